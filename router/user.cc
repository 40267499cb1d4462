#include "router/user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <optional>

namespace router {

namespace {

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

base::Result<> become(const std::string& user, const std::string& group) {
  if (user.empty() && group.empty()) return {};
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  if (!user.empty()) {
    const auto id = number(user);
    const passwd* entry = id ? ::getpwuid(*id) : ::getpwnam(user.c_str());
    if (!id && entry == nullptr) return base::fail("unknown user '" + user + "'");
    uid = id ? *id : entry->pw_uid;
    gid = entry != nullptr ? entry->pw_gid : uid;
  }
  if (!group.empty()) {
    const auto id = number(group);
    const struct group* entry = id ? nullptr : ::getgrnam(group.c_str());
    if (!id && entry == nullptr) return base::fail("unknown group '" + group + "'");
    gid = id ? *id : entry->gr_gid;
  }
  if (uid == ::geteuid() && gid == ::getegid()) return {};
  if (::setgroups(1, &gid) != 0) return base::fail_errno("setgroups");
  if (::setresgid(gid, gid, gid) != 0) return base::fail_errno("setgid " + group);
  if (::setresuid(uid, uid, uid) != 0) return base::fail_errno("setuid " + user);
  return {};
}

}  // namespace router
