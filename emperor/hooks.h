// Hooks of the operator's that the emperor runs with its own rights: exec-as-root before
// a start, exec-as-emperor behind it, vassals-stop-hook when a vassal is gone. In a
// process of their own, with a deadline, beside everything else that the emperor does.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/uv/loop.h"

namespace emperor {

struct HookCommand {
  std::string written;  ///< "exec-as-root = ...", for the error
  std::string command;  ///< for /bin/sh -c
  /// Beside PATH. What a tenant chose (names, paths) comes in here, never into `command`.
  std::vector<std::pair<std::string, std::string>> environment;
};

/// Runs it and waits for its end. Whoever is not done within `patience` is killed with
/// its process group.
uvx::Task<base::Result<>> run_hook(uvx::Loop& loop,
                                   HookCommand hook,
                                   base::Duration patience);

}  // namespace emperor
