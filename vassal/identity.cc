#include "vassal/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vassal {

namespace {

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  std::vector<gid_t> groups(64);
  auto count = static_cast<int>(groups.size());
  if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<size_t>(count));
    if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) return {gid};
  }
  groups.resize(static_cast<size_t>(count));
  return groups;
}

int result_of(long returned) {
  return returned == 0 ? 0 : errno;
}

}  // namespace

UserFacts look_up_user(uid_t uid, const gid_t* gid) {
  UserFacts facts;
  facts.primary_gid = uid;
  char buffer[16384];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 &&
      found != nullptr) {
    facts.name = entry.pw_name;
    facts.home = entry.pw_dir;
    facts.primary_gid = entry.pw_gid;
  }
  if (!facts.name.empty())
    facts.groups = groups_of(facts.name, gid != nullptr ? *gid : facts.primary_gid);
  return facts;
}

namespace raw {

int set_groups(const gid_t* groups, size_t count) {
  return result_of(::syscall(SYS_setgroups, count, groups));
}

int set_gid(gid_t gid) {
  return result_of(::syscall(SYS_setresgid, gid, gid, gid));
}

int set_uid(uid_t uid) {
  return result_of(::syscall(SYS_setresuid, uid, uid, uid));
}

int drop_bounding_set() {
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
  for (long capability = 0; capability < 64; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0L, 0L, 0L) == 0) continue;
    // EINVAL: past the last one. EPERM: no CAP_SETPCAP; then no_new_privs alone keeps the
    // set unusable.
    return errno == EINVAL || errno == EPERM ? 0 : errno;
  }
  return 0;
}

int drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  return result_of(::syscall(SYS_capset, &header, none));
}

int forbid_new_privileges() {
  return result_of(::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
}

int verify_no_way_back(uid_t uid, gid_t gid) {
  uid_t real_uid = 0;
  uid_t effective_uid = 0;
  uid_t saved_uid = 0;
  gid_t real_gid = 0;
  gid_t effective_gid = 0;
  gid_t saved_gid = 0;
  if (::getresuid(&real_uid, &effective_uid, &saved_uid) != 0) return errno;
  if (::getresgid(&real_gid, &effective_gid, &saved_gid) != 0) return errno;
  if (real_uid != uid || effective_uid != uid || saved_uid != uid) return EPERM;
  if (real_gid != gid || effective_gid != gid || saved_gid != gid) return EPERM;
  if (uid == 0) return 0;
  if (::syscall(SYS_setresuid, 0, 0, 0) == 0) return EPERM;
  if (gid != 0 && ::syscall(SYS_setresgid, 0, 0, 0) == 0) return EPERM;
  return 0;
}

}  // namespace raw

}  // namespace vassal
