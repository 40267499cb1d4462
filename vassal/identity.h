// Identity: whom a process becomes, and the raw steps that get it there and prove there
// is no way back.
//
// The steps run between clone and exec: system calls only, because glibc's own setuid
// signals every thread of the parent's table, and nothing may be allocated or logged
// there.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace vassal {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary ones; empty means none at all
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// What the user database says about a user; asked before the clone.
struct UserFacts {
  std::string name;  ///< "" if the uid has no entry
  std::string home = "/";
  gid_t primary_gid = 0;      ///< the uid itself as a number if there is no entry
  std::vector<gid_t> groups;  ///< as initgroups(3) would set them for `gid`
};

/// getpwuid(3) and getgrouplist(3). `gid` is the group the process will have; it counts
/// as a member of it.
UserFacts look_up_user(uid_t uid, const gid_t* gid);

namespace raw {

// Each returns 0 or an errno. Safe between clone and exec.
int set_groups(const gid_t* groups, size_t count);
int set_gid(gid_t gid);
int set_uid(uid_t uid);
/// Empties the bounding and ambient sets; the other sets are emptied by
/// drop_capabilities() after set_uid().
int drop_bounding_set();
int drop_capabilities();
int forbid_new_privileges();
/// EPERM unless every uid and gid is as given and becoming root again is refused.
int verify_no_way_back(uid_t uid, gid_t gid);

}  // namespace raw

}  // namespace vassal
