#include "router/tenant_keys.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "base/wire/host_name.h"

namespace router {

namespace {

constexpr size_t kMostFile = 256 * 1024;
constexpr size_t kMostKnown = 10'000;
constexpr size_t kMostNotes = 100;
constexpr size_t kLongestName = 255;

/// A name that leads nowhere but into the directory.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && !name.starts_with('.') &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

bool operators_own(const struct stat& s) {
  const bool owner = s.st_uid == 0 || s.st_uid == ::geteuid();
  return owner && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// The patterns of one key's line; what is none is noted.
std::vector<std::string> patterns_of(const std::vector<std::string>& words,
                                     const std::string& where,
                                     std::vector<std::string>* notes) {
  std::vector<std::string> patterns;
  for (const auto& word : words) {
    if (auto pattern = wire::normalise_domain(word))
      patterns.push_back(*std::move(pattern));
    else
      notes->push_back(where + base::printable(word) + " is no host");
  }
  return patterns;
}

}  // namespace

TenantFile parse_tenant_file(const std::string& name,
                             std::string_view text,
                             bool trusted,
                             std::vector<std::string>* notes) {
  TenantFile out;
  const auto parsed = ssh::parse_authorized_keys(text);
  const auto where = [&](size_t line) {
    return "keys of " + base::printable(name) + ", line " + std::to_string(line) + ": ";
  };
  for (const auto& skipped : parsed.skipped)
    notes->push_back(where(skipped.line) + skipped.reason);
  for (const auto& entry : parsed.keys) {
    if (entry.hosts && !trusted) {
      notes->push_back(where(entry.line) +
                       "hosts are only taken from files that nobody but root can write");
      continue;
    }
    auto hosts = patterns_of(entry.hosts ? *entry.hosts : std::vector{name},
                             where(entry.line), notes);
    // A file cannot be named after everything there is.
    if (!entry.hosts) std::erase_if(hosts, [](const auto& h) { return h.contains('*'); });
    auto& key = out[ssh::fingerprint(entry.key)];
    key.key = entry.key;
    key.hosts.insert(key.hosts.end(), hosts.begin(), hosts.end());
  }
  return out;
}

base::Result<const TenantFile*> TenantKeys::find(std::string_view name) {
  if (!is_file_name(name)) return base::fail("no file of keys can have this name");
  const std::string path = directory_ + "/" + std::string(name);
  const base::Fd file(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return base::fail_errno("open " + path);
  struct stat s{};
  if (::fstat(file.get(), &s) != 0) return base::fail_errno("stat " + path);
  if (!S_ISREG(s.st_mode)) return base::fail(path + " is not a regular file");
  if (known_.size() >= kMostKnown) known_.clear();
  auto& known = known_[std::string(name)];
  const bool same = known.inode == s.st_ino && known.changed.tv_sec == s.st_ctim.tv_sec &&
                    known.changed.tv_nsec == s.st_ctim.tv_nsec;
  if (!same) {
    known = {};
    auto text = base::read_fd(file.get(), kMostFile);
    if (!text) return base::wrap(text.error(), path);
    known.keys = parse_tenant_file(std::string(name), *text, operators_own(s), &notes_);
    known.inode = s.st_ino;
    known.changed = s.st_ctim;
    if (notes_.size() > kMostNotes) notes_.resize(kMostNotes);
  }
  return &known.keys;
}

std::vector<std::string> TenantKeys::take_notes() {
  return std::exchange(notes_, {});
}

}  // namespace router
