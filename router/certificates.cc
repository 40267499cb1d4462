#include "router/certificates.h"

#include <ctime>

#include "base/wire/host_name.h"

namespace router {

std::shared_ptr<const Certificate> Certificates::find(std::string_view name) const {
  wire::HostBuffer buffer;
  const auto host = wire::normalise_host(name, buffer);
  if (!host) return nullptr;
  const auto exact = by_name_.find(std::string(*host));
  if (exact != by_name_.end()) return exact->second;
  // A wildcard stands for one label (RFC 6125, 6.4.3).
  const size_t dot = host->find('.');
  if (dot == host->npos) return nullptr;
  const auto wild = by_name_.find("*" + std::string(host->substr(dot)));
  return wild != by_name_.end() ? wild->second : nullptr;
}

std::shared_ptr<const Certificate> Certificates::fallback() const {
  for (const char* file : {"_default.crt", "_default.pem", "_default/fullchain.pem"})
    if (auto found = of_file(file)) return found;
  return by_file_.empty() ? nullptr : by_file_.begin()->second;
}

std::shared_ptr<const Certificate> Certificates::of_file(const std::string& file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? nullptr : found->second;
}

void Certificates::add(std::shared_ptr<const Certificate> certificate) {
  for (const std::string& name : certificate->names) {
    auto& holder = by_name_[name];
    if (!holder || holder->expires < certificate->expires) holder = certificate;
  }
  by_file_[certificate->file] = std::move(certificate);
}

CertificatesUpdate::CertificatesUpdate(base::Log& log,
                                       const Certificates& before,
                                       std::vector<base::CertificateFile> files)
    : log_(log), before_(before), files_(std::move(files)) {}

bool CertificatesUpdate::step() {
  if (at_ == files_.size()) return false;
  base::CertificateFile& file = files_[at_++];
  if (const auto same = before_.of_file(file.name);
      same && file.fault.empty() && same->fingerprint == fingerprint_of(file)) {
    after_.add(same);
  } else if (auto fresh = reader_.read(file)) {
    ++read_;
    if ((*fresh)->names.empty())
      log_.warn("certificates: file={} has no host name: only for clients that name none",
                base::printable(file.name));
    if ((*fresh)->expires < ::time(nullptr))
      log_.warn("certificates: file={} has expired", base::printable(file.name));
    after_.add(*std::move(fresh));
  } else {
    broken(file, fresh.error());
  }
  base::wipe(file);
  return true;
}

void CertificatesUpdate::broken(const base::CertificateFile& file,
                                const base::Error& why) {
  ++broken_;
  auto old = before_.of_file(file.name);
  log_.error("certificates: file={} {} reason=\"{}\"", base::printable(file.name),
             old ? "stays what it was" : "is left out", why.message());
  if (old) after_.add(std::move(old));
}

Certificates CertificatesUpdate::take() {
  log_.info("certificates: pairs={} names={} read={} broken={}", after_.size(),
            after_.names(), read_, broken_);
  if (after_.size() == 0)
    log_.warn("certificates: there is none: nobody can connect by https");
  return std::move(after_);
}

}  // namespace router
