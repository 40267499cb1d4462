#include "base/certificate_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include <fmt/core.h>

#include "base/files.h"
#include "base/log.h"

namespace base {

namespace {

/// A directory, and whether its links are followed.
struct Place {
  Fd fd;
  bool trusted = false;
};

Result<Place> open_place(int at, const std::string& path, int follow) {
  Place place;
  place.fd = Fd(::openat(at, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
  if (!place.fd) return fail_errno("open " + path);
  struct stat s{};
  if (::fstat(place.fd.get(), &s) != 0) return fail_errno("stat " + path);
  place.trusted = (s.st_uid == 0 || s.st_uid == ::geteuid()) && (s.st_mode & 022) == 0;
  return place;
}

std::array<uint64_t, 6> stamp_of(int directory, const std::string& path) {
  struct stat s{};
  if (::fstatat(directory, path.c_str(), &s, 0) != 0) return {};
  const auto ns = [](const timespec& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 +
           static_cast<uint64_t>(t.tv_nsec);
  };
  return {s.st_dev,      s.st_ino,      static_cast<uint64_t>(s.st_size),
          ns(s.st_mtim), ns(s.st_ctim), s.st_mode};
}

/// The names in a directory, in order, without hidden ones.
Result<std::set<std::string>> names_in(const Place& place) {
  const int copy = ::fcntl(place.fd.get(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy), ::closedir);
  if (!listing) {
    const int error = errno;
    if (copy >= 0) ::close(copy);
    return fail(error, "list");
  }
  std::set<std::string> names;
  while (const dirent* entry = ::readdir(listing.get()))
    if (entry->d_name[0] != '.') names.emplace(entry->d_name);
  return names;
}

/// "example.com" of "example.com.crt"; empty if it does not end so.
std::string stem(const std::string& name, std::string_view extension) {
  return name.size() > extension.size() && name.ends_with(extension)
             ? name.substr(0, name.size() - extension.size())
             : std::string();
}

struct FileRead {
  std::string content;
  bool open_to_others = false;
};

Result<FileRead> read_one(const Place& place, const std::string& name) {
  const Fd fd(::openat(
      place.fd.get(), name.c_str(),
      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (place.trusted ? 0 : O_NOFOLLOW)));
  if (!fd && errno == ELOOP)
    return fail(name +
                ": links are only followed in directories that nobody but root "
                "may change");
  if (!fd) return fail_errno(name);
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0) return fail_errno(name);
  if (!S_ISREG(s.st_mode)) return fail(name + ": is no regular file");
  auto content = read_fd(fd.get(), CertificateDirectory::kMaxFile);
  if (!content) return fail(content.error().code.value(), name);
  return FileRead{*std::move(content), (s.st_mode & 0007) != 0};
}

/// The files of one candidate, from the directory that they are in.
Result<Place> place_of(const Place& top, std::string& certificate, std::string& key) {
  const size_t slash = certificate.find('/');
  if (slash == certificate.npos) {
    Place same;
    TRY_ASSIGN(same.fd, duplicate(top.fd.get()));
    same.trusted = top.trusted;
    return same;
  }
  const std::string directory = certificate.substr(0, slash);
  certificate.erase(0, slash + 1);
  key.erase(0, slash + 1);
  return open_place(top.fd.get(), directory, top.trusted ? 0 : O_NOFOLLOW);
}

}  // namespace

void wipe(CertificateFile& file) {
  // With both in one file, the certificate is the key, too.
  ::explicit_bzero(file.certificate.data(), file.certificate.size());
  ::explicit_bzero(file.key.data(), file.key.size());
}

Result<std::vector<CertificateDirectory::Candidate>> CertificateDirectory::list() const {
  TRY_ASSIGN(const Place top, open_place(AT_FDCWD, path_, 0));
  auto names = names_in(top);
  if (!names) return fail(names.error().code.value(), "list " + path_);
  std::vector<Candidate> found;
  const auto stamp = [&](const std::string& path) {
    return stamp_of(top.fd.get(), path);
  };
  for (const std::string& name : *names) {
    const std::string crt = stem(name, ".crt");
    const std::string pem = stem(name, ".pem");
    if (!crt.empty()) {
      found.push_back({name, name, crt + ".key"});
    } else if (!pem.empty() && !names->contains(pem + ".crt")) {
      const bool has_key = names->contains(pem + ".key");
      found.push_back({name, name, has_key ? pem + ".key" : name});
    } else if (stamp(name + "/fullchain.pem") != Stamp{}) {
      const std::string chain = name + "/fullchain.pem";
      found.push_back({chain, chain, name + "/privkey.pem"});
    } else {
      continue;
    }
    found.back().certificate_stamp = stamp(found.back().certificate);
    found.back().key_stamp = stamp(found.back().key);
  }
  return found;
}

Result<std::optional<CertificateFiles>> CertificateDirectory::read_if_changed() {
  TRY_ASSIGN(auto found, list());
  if (last_ == found) return std::nullopt;
  TRY_ASSIGN(const Place top, open_place(AT_FDCWD, path_, 0));
  CertificateFiles out;
  size_t total = 0;
  for (const Candidate& candidate : found) {
    if (out.files.size() == kMaxPairs || total > kMaxTotal) {
      out.warnings.push_back(
          fmt::format("{} and what follows is left out: {} pairs or "
                      "{} bytes are the most",
                      printable(candidate.name), kMaxPairs, kMaxTotal));
      break;
    }
    CertificateFile& file = out.files.emplace_back(candidate.name);
    std::string certificate = candidate.certificate;
    std::string key = candidate.key;
    const auto place = place_of(top, certificate, key);
    auto chain = place ? read_one(*place, certificate)
                       : Result<FileRead>(std::unexpected(place.error()));
    auto secret = !chain               ? Result<FileRead>(std::unexpected(chain.error()))
                  : key == certificate ? chain
                                       : read_one(*place, key);
    if (!secret) {
      file.fault = secret.error().message();
      continue;
    }
    if (secret->open_to_others)
      out.warnings.push_back(
          fmt::format("{}/{}: everybody can read this private key: chmod o-rwx", path_,
                      printable(candidate.key)));
    file.certificate = std::move(chain->content);
    file.key = std::move(secret->content);
    total += file.certificate.size() + file.key.size();
  }
  last_ = std::move(found);
  return out;
}

}  // namespace base
