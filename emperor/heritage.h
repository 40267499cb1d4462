// Heritage: what a process of this program gets from the one that started it, as one
// hidden argument before the operator's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace emperor {

struct Heritage {
  enum class Role {
    keeper,     ///< takes the place of one that died
    emperor,    ///< goes on at once
    candidate,  ///< reads the state, says whether it could go on, and waits to be told to
  };
  int channel = -1;  ///< to the keeper; the keeper's to the emperor
  int lock = -1;     ///< the flock on the run directory, held as long as either lives
  Role role = Role::emperor;
  /// The keeper was started by an emperor, for want of a service manager: it gives way to
  /// one that is started from outside.
  bool stand_in = false;
  std::string installed;  ///< where the operator's program is, for an upgrade

  std::vector<std::string> arguments;  ///< the operator's own; not part of the argument

  static constexpr std::string_view kFlag = "--proper=";
  std::string argument() const;
  static bool parse(std::string_view argument, Heritage* out);
};

/// Where the program that was started as `argv0` is installed: found by $PATH, absolute,
/// but no link resolved, so that an upgrade takes what the link names then.
std::string installed_path(const std::string& argv0);

}  // namespace emperor
