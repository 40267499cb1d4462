// The ladder: what a new process does between clone and exec, one named step after the
// other.
//
// The order is a table, so that it can be read, printed and tested. Steps make system
// calls on what spawn.cc prepared: no allocation, no log, no destructors. The first
// failing step is reported and ends the process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "vassal/spawn_plan.h"

namespace vassal {

enum class SpawnStep : uint8_t {
  session,        ///< setsid
  cgroup_enter,   ///< into the leaf, in every hierarchy
  cgroup_verify,  ///< /proc/self/cgroup says so
  oom_score,
  descriptors,  ///< into place, everything else closed
  limits,       ///< rlimits
  priority,
  umask,
  signals,  ///< default dispositions, empty mask
  bounding_set,
  groups,
  gid,
  uid,
  capabilities,
  no_new_privs,
  no_way_back,  ///< becoming root again is refused
  exec,
};

/// "cgroup enter", "no_new_privs": for logs.
const char* name_of(SpawnStep step);

/// What a failed child writes into its report pipe.
struct SpawnReport {
  uint32_t step = 0;
  int32_t error = 0;
};

/// Everything the steps need, as plain pointers into what the parent owns. Copied by the
/// clone.
struct Ladder {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  int report = -1;  ///< write end, close-on-exec

  std::span<const int> cgroup_files;          ///< "0" is written into each
  std::span<const char* const> cgroup_lines;  ///< have to stand in /proc/self/cgroup

  std::span<FdMapping> fds;  ///< sorted by target; sources are changed on the way
  std::span<const RlimitRow> rlimits;
  const int* nice = nullptr;
  const mode_t* umask = nullptr;
  const char* oom_score_adj = nullptr;  ///< as text

  const Identity* identity = nullptr;
};

struct Rung {
  SpawnStep step;
  int (*run)(Ladder& ladder);  ///< 0 or an errno
};

/// All steps in the order in which they are taken.
std::span<const Rung> rungs();

/// Climbs and execs, or reports the failing step and ends. `argument` points to a Ladder.
[[noreturn]] void climb(void* argument);

}  // namespace vassal
