// Delegation: where on v2 groups may be made. v2 forbids processes in a group whose children have
// limits ("no internal processes"), and the emperor begins life inside the very group it was given.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "base/result.h"
#include "cgroups/hierarchy.h"

namespace cgroups {

/// The leaf of the emperor's own group that it and its keeper live in on v2.
inline constexpr char kSupervisor[] = "supervisor";

/// Makes `v2.own_path` a group that can hand controllers to children, and returns it: moves this process
/// and `companions` into its leaf "supervisor". EBUSY names a process of somebody else that stands in the way.
base::Result<std::string> make_room(const Hierarchy& v2, std::span<const pid_t> companions);

}  // namespace cgroups
