// Names of vassals as names of cgroup directories. Pure.
//
// A vassal is called after its file ("alice/site"); its group is ONE directory below the
// root. The mapping is injective, so two vassals never share a group, and its results
// never collide with the kernel's own files, which live in the same directory as child
// groups ("memory.max", "tasks").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cgroups {

/// "alice/site" -> "alice~site"; other unusual bytes become %XX. ENAMETOOLONG beyond 255
/// bytes, EINVAL for an empty name.
base::Result<std::string> component_of(std::string_view vassal);

/// The vassal that component_of() made `component` from; nothing if it never makes that.
std::optional<std::string> vassal_of(std::string_view component);

/// "gen-7"
std::string leaf_name(uint64_t generation);

}  // namespace cgroups
