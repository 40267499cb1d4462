// Starts a tenant's own server as a child: fork, descriptors into place, exec.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "vassal/command_plan.h"
#include "vassal/master_signals.h"

namespace vassal {

/// The new process has a process group of its own, the signals as `outside` found them,
/// and LISTEN_PID where LISTEN_FDS is. An exec that fails ends it with 126 or 127, as a
/// shell does.
base::Result<pid_t> start_command(const CommandPlan& plan, const MasterSignals& outside);

}  // namespace vassal
