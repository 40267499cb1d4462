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

struct Ids {
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
};

base::Result<> use_user(const std::string& user, Ids& ids) {
  const auto id = number(user);
  const passwd* entry = id ? ::getpwuid(*id) : ::getpwnam(user.c_str());
  if (!id && entry == nullptr) return base::fail("unknown user '" + user + "'");
  ids.uid = id ? *id : entry->pw_uid;
  ids.gid = entry != nullptr ? entry->pw_gid : ids.uid;
  return {};
}

base::Result<> use_group(const std::string& group, Ids& ids) {
  const auto id = number(group);
  const struct group* entry = id ? nullptr : ::getgrnam(group.c_str());
  if (!id && entry == nullptr) return base::fail("unknown group '" + group + "'");
  ids.gid = id ? *id : entry->gr_gid;
  return {};
}

}  // namespace

base::Result<> become(const std::string& user, const std::string& group) {
  Ids ids;
  if (!user.empty()) TRY(use_user(user, ids));
  if (!group.empty()) TRY(use_group(group, ids));
  if (ids.uid == ::geteuid() && ids.gid == ::getegid()) return {};
  if (::setgroups(1, &ids.gid) != 0) return base::fail_errno("setgroups");
  if (::setresgid(ids.gid, ids.gid, ids.gid) != 0)
    return base::fail_errno("setgid " + group);
  if (::setresuid(ids.uid, ids.uid, ids.uid) != 0)
    return base::fail_errno("setuid " + user);
  return {};
}

}  // namespace router
