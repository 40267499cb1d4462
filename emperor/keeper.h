// The keeper: the process an operator starts. It starts the emperor proper and starts it
// again when it dies, is parent and reaper of every vassal and router, and holds a named
// duplicate of every descriptor that has to outlive the emperor.
//
// It parses nothing of a tenant's, decides nothing about vassals and uses no event loop:
// one poll(2) over a signalfd and the channel to the emperor. The messages are in
// base/wire/keeper.h.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"

namespace emperor {

struct KeeperSetup {
  std::string run_dir;
  std::string program;                 ///< the emperor's own binary
  std::vector<std::string> arguments;  ///< as the operator gave them, without argv[0]
};

/// What the emperor proper learns from the keeper that started it, as one hidden
/// argument.
struct Inheritance {
  int channel = -1;  ///< to the keeper
  int lock = -1;     ///< the flock on the run directory, held as long as either lives

  static constexpr std::string_view kFlag = "--proper=";
  std::string argument() const;
  static bool parse(std::string_view argument, Inheritance* out);
};

/// Runs until the emperor has shut down; returns the exit code of the program.
int run_keeper(const KeeperSetup& setup, base::Log& log);

}  // namespace emperor
