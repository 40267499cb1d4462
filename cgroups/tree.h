// Tree: all groups of one emperor, below its cgroup-root, in every hierarchy it uses.
//
// Opened once at start. Decides from `cgroups =` and the machine which hierarchies are
// used, and makes the root groups level by level, since on v2 every level has to hand the
// controllers on.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroups/group.h"
#include "cgroups/hierarchy.h"
#include "cgroups/limits.h"

namespace cgroups {

struct Options {
  Mode mode = Mode::automatic;
  /// `cgroup-root`: below every mount point. Empty: our own group in each hierarchy + "/"
  /// + root_name.
  std::string root;
  /// Two emperors of one machine need different ones: see root_name_for().
  std::string root_name = "imperium";
  /// Processes beside this one that belong to the emperor (its keeper): on v2 they move
  /// along into the leaf "supervisor", since a group that limits its children may hold no
  /// process itself.
  std::vector<pid_t> companions;
};

/// "imperium" for the default run directory, else "imperium-<hash>", always the same for
/// the same directory.
std::string root_name_for(std::string_view run_dir);

/// A group whose limits stand, and what could not be limited.
struct Created {
  Group group;
  std::vector<std::string> warnings;
};

class Tree {
 public:
  /// Fails under `v1`, `v2` and `required` when that cannot be had; `auto` then works
  /// without cgroups and says so in notes().
  static base::Result<Tree> open(Options options);

  /// False: limits are not enforced, and groups and leaves are empty objects that do
  /// nothing.
  bool active() const { return !places_.empty(); }
  /// For the log at start: what is used, what is missing.
  const std::vector<std::string>& notes() const { return notes_; }
  /// "/imperium", for people.
  std::string text() const;

  /// Makes the group of a vassal (or takes the one that is there) and sets its limits. On
  /// failure nothing that was not there before is left. Under `required` an unsupported
  /// limit is a failure.
  base::Result<Created> create(std::string_view vassal, const Limits& limits) const;
  /// A group as an earlier run left it, to be emptied and removed.
  base::Result<Group> existing(std::string_view vassal) const;
  /// Vassals that have a group now, in any hierarchy.
  std::vector<std::string> vassals() const;
  /// Removes the root groups where they are empty, at the end of everything.
  void try_remove() const;

 private:
  base::Result<> settle(Hierarchy& v2);
  base::Result<> add(Hierarchy& hierarchy);
  base::Result<> add_all();
  std::string root_in(const Hierarchy& hierarchy) const;
  const Place* root_of(const Hierarchy& hierarchy) const;
  std::vector<Place> places_for(const std::string& component, const Limits& limits) const;
  base::Result<> hand_down(const Place& place) const;
  base::Result<> make_vassal_groups(const std::vector<Place>& places) const;
  Shortfall shortfall() const;
  Controllers controllers() const;

  Options options_;
  std::vector<Hierarchy>
      available_;  ///< every hierarchy that may be used, with all its controllers
  std::vector<Place> places_;  ///< the root group in those that every vassal uses
  std::vector<std::string> notes_;
};

}  // namespace cgroups
