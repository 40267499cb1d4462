// Starts one fastrouter process: an unprivileged child of the keeper with nothing but its
// control channel and the emperor's standard error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "vassal/identity.h"

namespace emperor {

struct RouterSpawn {
  std::string program;
  std::string user;  ///< name or number; the emperor's own user if it is not root
  std::string group;
  std::vector<std::string> arguments;
  int control = -1;  ///< the router's end of the control channel
};

/// Whom a helper process becomes, from names or numbers; nothing unless we are root.
base::Result<std::optional<vassal::Identity>> helper_identity(const std::string& user,
                                                              const std::string& group);

/// Returns as soon as the process exists; what fails later shows as its exit (127 before
/// exec).
base::Result<base::Pidfd> spawn_router(const RouterSpawn& spawn);

}  // namespace emperor
