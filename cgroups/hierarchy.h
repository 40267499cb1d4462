// Hierarchy: where the controllers of this machine are mounted, and where we stand in
// each.
//
// Pure parsing of /proc/self/cgroup, /proc/self/mountinfo and cgroup.controllers;
// read_layout() alone opens files. Knows v1 (one mount per controller or several
// together), v2, and hybrids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroups/settings.h"

namespace cgroups {

/// What the operator asked for with `cgroups =`.
enum class Mode { automatic, v1, v2, off, required };

/// "auto", "v1", "v2", "off", "required"
base::Result<Mode> parse_mode(std::string_view text);

/// One mounted hierarchy.
struct Hierarchy {
  Version version = Version::v1;
  std::string mount_point;  ///< "/sys/fs/cgroup/memory"
  std::string mount_root;  ///< the group that is mounted there; "/" unless in a container
  std::vector<std::string> controllers;  ///< v1: of its line; v2: what our group may use
  /// Our group below the mount point: "/", "/system.slice/x". On v2 without the leaf
  /// "supervisor" that an emperor moves itself into (delegation.h).
  std::string own_path;
  std::string label;  ///< what its line in /proc/PID/cgroup begins with: "4:memory:"
  friend bool operator==(const Hierarchy&, const Hierarchy&) = default;

  bool has(std::string_view controller) const;
  /// The whole line of /proc/PID/cgroup for a process in `path` (below the mount point).
  std::string line_of(std::string_view path) const;
};

struct Layout {
  std::vector<Hierarchy> hierarchies;

  /// The hierarchy that carries `controller`; null if none does.
  const Hierarchy* of(std::string_view controller) const;
  Hierarchy* v2();
};

/// `proc_cgroup`: /proc/self/cgroup; `mountinfo`: /proc/self/mountinfo. What is not
/// mounted is left out; v2's controllers stay empty until read from its
/// cgroup.controllers.
Layout parse_layout(std::string_view proc_cgroup, std::string_view mountinfo);

/// The words of a cgroup.controllers file.
std::vector<std::string> parse_controllers(std::string_view text);

/// The hierarchies that `mode` allows to use.
std::vector<Hierarchy> allowed_by(const Layout& layout, Mode mode);

/// The controllers of `hierarchy` that every group uses, whatever its limits; empty: not
/// used at all.
std::vector<std::string> used_controllers(const Hierarchy& hierarchy, Mode mode);

/// The layout of this machine, now.
base::Result<Layout> read_layout();

/// What a v2 group may hand to its children; empty if it cannot be read.
std::vector<std::string> controllers_at(const std::string& directory);

/// Joins two group paths: ("/", "imperium") -> "/imperium".
std::string join(std::string_view base, std::string_view name);

}  // namespace cgroups
