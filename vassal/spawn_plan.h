// SpawnPlan: everything that is decided before a process is cloned, as one value.
//
// Pure: make_spawn_plan() turns a vassal's config and a few facts into it; the emperor
// fills one by hand for the fastrouter. spawn.h carries it out. Descriptors are borrowed
// numbers: their owners outlive the spawn.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "vassal/clone.h"
#include "vassal/config.h"
#include "vassal/identity.h"

namespace vassal {

/// `source` of ours becomes `target` of the new process; every other descriptor is closed
/// there.
struct FdMapping {
  int source = -1;
  int target = -1;
  friend bool operator==(const FdMapping&, const FdMapping&) = default;
};

struct RlimitRow {
  int resource = 0;
  rlim_t value = 0;        ///< soft and hard
  bool soft_only = false;  ///< the hard limit stays, and bounds the soft one
  friend bool operator==(const RlimitRow&, const RlimitRow&) = default;
};

struct SpawnPlan {
  std::string
      program;  ///< path of the executable; the new identity must be able to reach it
  std::vector<std::string> argv;  ///< with argv[0]
  std::vector<std::string> env;   ///< "KEY=value", the whole environment
  std::vector<FdMapping> fds;     ///< 0, 1 and 2 are /dev/null where they are not named
  Parent parent = Parent::us;
  std::optional<Identity> identity;  ///< nothing: stay who we are
  std::vector<RlimitRow> rlimits;
  std::optional<int> nice;
  std::optional<mode_t> umask;
  std::optional<int> oom_score_adj;
};

/// What the plan needs to know besides the config.
struct SpawnFacts {
  std::string program;  ///< the `vassal` executable
  std::string name;     ///< "alice/site"
  uid_t our_uid = 0;    ///< effective uid of the emperor
  gid_t our_gid = 0;
  UserFacts user;             ///< of the config's uid: see look_up_user()
  bool root_allowed = false;  ///< the operator lets this vassal run as root
  Parent parent = Parent::ours;
};

/// The descriptors of one generation. -1: not given.
struct VassalFds {
  int config = -1;
  int lifeline = -1;
  int handoff = -1;
  int scoreboard = -1;
  int output = -1;  ///< becomes stdout and stderr
  std::vector<std::pair<int, std::string>>
      sockets;  ///< listening socket, address as written in the file
};

/// A generation starts as the one that the OOM killer prefers, until it is ready.
inline constexpr int kStartingOomScoreAdj = 500;
/// Open files of a vassal that asks for none: the emperor's own limit is made for
/// thousands of vassals, and programs that close or map every possible descriptor would
/// pay for it.
inline constexpr rlim_t kUsualFiles = 65536;

/// EPERM: root without permission, or a uid that this emperor cannot become.
base::Result<SpawnPlan> make_spawn_plan(const VassalConfig& config,
                                        const SpawnFacts& facts,
                                        const VassalFds& fds);

/// The look-ups that make_spawn_plan() needs, made for this config now.
SpawnFacts spawn_facts_for(const VassalConfig& config,
                           std::string program,
                           std::string name);

}  // namespace vassal
