// Place: one group in one hierarchy, and what is done alike with groups and leaves.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroups/hierarchy.h"

namespace cgroups {

/// A group in one hierarchy.
struct Place {
  Hierarchy hierarchy;  ///< its controllers: those that this group uses
  std::string path;     ///< below the mount point: "/imperium/blog"

  const std::string& controller() const { return hierarchy.controllers.front(); }
  std::string directory() const { return hierarchy.mount_point + path; }
};

/// Whether a leaf or group is gone, or somebody is still in it.
enum class Removal { removed, populated };

/// The pids in a group's cgroup.procs.
base::Result<std::vector<pid_t>> read_procs(const std::string& directory);

/// Makes the group `path` in every hierarchy, or in none: what was made before a failure
/// is removed again.
base::Result<> make_everywhere(std::span<const Place> places);

/// Removes the group from every hierarchy, never killing or moving anybody.
base::Result<Removal> remove_everywhere(std::span<const Place> places);

/// The place that carries `controller`; null if none does.
const Place* find_place(std::span<const Place> places, std::string_view controller);

/// Figures from a group's files. 0 if there is no place, no file or no such key.
uint64_t read_number(const Place* place, const std::string& file);
uint64_t read_keyed(const Place* place, const std::string& file, std::string_view key);
/// v1 counts only what happened in this very group, v2 what happened below it too.
uint64_t oom_kills_in(const Place* memory);

}  // namespace cgroups
