// Spawn: carries a SpawnPlan out. The only place that starts vassals and routers.
//
// The new process enters its cgroup, proves it, climbs the ladder and execs; the parent
// does not wait: it gets a pidfd and a report pipe to poll. Safe in a process that runs
// libuv: the child makes prepared system calls only.
#pragma once

#include <variant>

#include "base/fd.h"
#include "base/process.h"
#include "base/result.h"
#include "cgroups/leaf.h"
#include "vassal/ladder.h"
#include "vassal/spawn_plan.h"

namespace vassal {

struct Spawned {
  base::Pidfd process;
  base::Fd report;  ///< non-blocking; readable when read_report() has an answer
};

/// Clones and returns at once. `leaf`: the cgroup the process is put into before anything
/// else; null: none.
base::Result<Spawned> spawn(const SpawnPlan& plan, const cgroups::Leaf* leaf);

struct SpawnPending {};
/// The program runs; or the process was killed on the way, which its exit status tells.
struct SpawnExecuted {};
struct SpawnFailed {
  SpawnStep step;
  int error;
  /// "setuid: Operation not permitted"
  std::string message() const;
};
using SpawnOutcome = std::variant<SpawnPending, SpawnExecuted, SpawnFailed>;

/// What the report pipe says now.
SpawnOutcome read_report(int report);
/// The same, waiting for an answer. For tests and for programs without a loop.
SpawnOutcome wait_report(int report);

/// Writes /proc/PID/oom_score_adj: 0 once a vassal is ready.
base::Result<> set_oom_score_adj(pid_t pid, int value);

}  // namespace vassal
