// Delegation: where on v2 groups may be made. v2 forbids processes in a group whose
// children have limits ("no internal processes"), and the emperor begins life inside the
// very group it was given.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "base/result.h"
#include "cgroups/hierarchy.h"

namespace cgroups {

/// The leaf of the emperor's own group that it and its keeper live in on v2.
inline constexpr char kSupervisor[] = "supervisor";

/// Makes `v2.own_path` a group that can hand controllers to children: moves this process
/// and `companions` into its leaf "supervisor". EBUSY names a process of somebody else
/// that stands in the way.
base::Result<> make_room(const Hierarchy& v2, std::span<const pid_t> companions);

/// Whether a v2 directory is the root of the whole hierarchy, which may hold processes
/// beside limited children.
bool is_true_root(const std::string& directory);

}  // namespace cgroups
