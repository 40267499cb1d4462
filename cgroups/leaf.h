// Leaf: the processes of one generation, in <root>/NAME/gen-N of every hierarchy.
//
// Nothing here waits: what is still populated says so, and the caller comes back.
// Destroying a Leaf leaves the kernel's groups alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cgroups/place.h"

namespace cgroups {

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

}  // namespace cgroups
