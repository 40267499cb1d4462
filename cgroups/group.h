// Group: one vassal's limits, on v1, v2 and hybrids alike.
//
// Limits stand on <root>/NAME, processes only in its leaves (leaf.h), so that a
// generation can be killed as one and v2's rule against inner processes is kept. Nothing
// here waits. Destroying a Group leaves the kernel's groups alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroups/leaf.h"
#include "cgroups/limits.h"
#include "cgroups/place.h"
#include "cgroups/settings.h"
#include "cgroups/usage.h"

namespace cgroups {

/// What set_limits() does about a limit that this machine cannot hold.
enum class Shortfall { warn, refuse };

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
  /// Remembers a leaf's OOM kills for usage(). Call before each attempt to remove the
  /// leaf, as often as it takes: v1 forgets them with it.
  void keep_counts_of(const Leaf& leaf);
  /// Removes the group, never killing or moving anybody. `populated` while leaves exist.
  base::Result<Removal> try_remove();
  /// "/imperium/blog", for people; "" when cgroups are off.
  std::string text() const;
  /// Where the files of `controller` are for this group; "" without that controller.
  std::string directory(std::string_view controller) const;

 private:
  uint64_t oom_kills() const;
  const Place* place_of(std::string_view controller) const;
  std::vector<Place> leaf_places(uint64_t generation) const;
  base::Result<> apply(const FileValue& value) const;
  base::Result<> change(const FileValue& value, std::vector<FileValue>& undo) const;
  base::Result<> change_all(Settings& settings, std::vector<FileValue>& undo) const;

  std::vector<Place> places_;
  Controllers controllers_;
  Shortfall shortfall_ = Shortfall::warn;
  // v1 only: OOM kills of leaves that are gone, and of those about to go, by generation.
  uint64_t past_oom_kills_ = 0;
  std::map<uint64_t, uint64_t> leaving_;
};

}  // namespace cgroups
