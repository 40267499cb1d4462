// Group: one vassal's limits; Leaf: one generation's processes inside it. v1, v2 and
// hybrid alike.
//
// Limits stand on <root>/NAME, processes only in <root>/NAME/gen-N, so that a generation
// can be killed as one and v2's rule against inner processes is kept. Nothing here waits:
// what is still populated says so, and the caller comes back. Destroying these objects
// leaves the kernel's groups alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cgroups/hierarchy.h"
#include "cgroups/limits.h"
#include "cgroups/settings.h"
#include "cgroups/usage.h"

namespace cgroups {

/// A group in one hierarchy.
struct Place {
  Hierarchy hierarchy;  ///< its controllers: those that this group uses
  std::string path;     ///< below the mount point: "/imperium/blog"

  const std::string& controller() const { return hierarchy.controllers.front(); }
  std::string directory() const { return hierarchy.mount_point + path; }
};

/// What set_limits() does about a limit that this machine cannot hold.
enum class Shortfall { warn, refuse };

/// Whether a leaf or group is gone, or somebody is still in it.
enum class Removal { removed, populated };

/// What is needed to put a child into a leaf and to prove that it is there. All empty
/// when cgroups are off.
struct Attachment {
  /// Open `tasks` files of v1: the child itself writes "0" into each. A process that
  /// moves itself costs microseconds; moving another one waits up to 12 ms for the
  /// kernel's lock on all thread groups.
  std::vector<base::Fd> tasks;
  /// The leaf's directory on v2, for CLONE_INTO_CGROUP, which takes no such lock.
  base::Fd v2_directory;
  /// Its open cgroup.procs, to write "0" into where the kernel refuses to clone into the
  /// directory.
  base::Fd v2_procs;
  /// Lines that have to stand in the child's /proc/self/cgroup before it goes on.
  std::vector<std::string> lines;
};

/// One generation's processes.
class Leaf {
 public:
  Leaf() = default;
  explicit Leaf(std::vector<Place> places) : places_(std::move(places)) {}

  /// Opens what a child needs to enter.
  base::Result<Attachment> attachment() const;
  /// True if /proc/PID/cgroup shows `pid` in every hierarchy of this leaf.
  bool holds(pid_t pid) const;
  /// SIGKILLs everything inside: cgroup.kill on v2; on v1 a bounded number of passes,
  /// with forks forbidden. `populated` if somebody was still there at the end: call again
  /// later.
  base::Result<Removal> kill();
  /// Removes the leaf from every hierarchy, never killing or moving anybody.
  base::Result<Removal> try_remove();
  /// Processes inside, of all hierarchies.
  base::Result<std::vector<pid_t>> processes() const;
  /// OOM kills inside this leaf; v1 counts them where they happened only.
  uint64_t oom_kills() const;
  /// "/imperium/blog/gen-1", for people; "" when cgroups are off.
  std::string text() const;

 private:
  base::Result<> forbid_forks() const;

  std::vector<Place> places_;
};

/// One vassal's limits.
class Group {
 public:
  Group() = default;
  Group(std::vector<Place> places, Controllers controllers, Shortfall shortfall)
      : places_(std::move(places)),
        controllers_(std::move(controllers)),
        shortfall_(shortfall) {}

  /// Writes `limits` and reads them back. If one cannot be written or comes back
  /// different, every value is as it was before, and the error names the file. Returns
  /// what this machine cannot hold.
  base::Result<std::vector<Unsupported>> set_limits(const Limits& limits);
  /// Makes the leaf of a generation. On failure no half of it is left.
  base::Result<Leaf> make_leaf(uint64_t generation);
  /// A leaf that exists already: of an earlier run.
  Leaf existing_leaf(uint64_t generation) const;
  /// Generations that have a leaf now.
  std::vector<uint64_t> leaves() const;
  /// What the vassal consumes and has consumed, all generations together.
  Usage usage() const;
  /// Adds a leaf's OOM kills to what usage() reports. Call before the leaf is removed: v1
  /// forgets them.
  void keep_counts_of(const Leaf& leaf);
  /// Removes the group, never killing or moving anybody. `populated` while leaves exist.
  base::Result<Removal> try_remove();
  /// "/imperium/blog", for people; "" when cgroups are off.
  std::string text() const;
  /// Where the files of `controller` are for this group; "" without that controller.
  std::string directory(std::string_view controller) const;

 private:
  const Place* place_of(std::string_view controller) const;
  std::vector<Place> leaf_places(uint64_t generation) const;
  base::Result<> apply(const FileValue& value) const;
  base::Result<> change(const FileValue& value, std::vector<FileValue>& undo) const;
  base::Result<> change_all(Settings& settings, std::vector<FileValue>& undo) const;

  std::vector<Place> places_;
  Controllers controllers_;
  Shortfall shortfall_ = Shortfall::warn;
  uint64_t kept_oom_kills_ = 0;
};

/// The pids in a group's cgroup.procs.
base::Result<std::vector<pid_t>> read_procs(const std::string& directory);

/// Makes the group `path` in every hierarchy, or in none: what was made before a failure
/// is removed again.
base::Result<> make_everywhere(std::span<const Place> places);

}  // namespace cgroups
