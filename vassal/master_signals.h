// The master's signals as a descriptor, also beside threads that the application started
// while it was loaded: those do not block what the master blocks, and would take a signal
// from the signalfd, or drop SIGCHLD. Whatever reaches them is passed on to the main
// thread.
#pragma once

#include <array>
#include <csignal>

#include "base/fd.h"
#include "base/result.h"

namespace vassal {

class MasterSignals {
 public:
  /// Blocks CHLD, TERM, INT, QUIT and HUP in this (the main) thread; a signalfd of them.
  base::Result<base::Fd> take();
  /// In a forked worker: mask and handlers as the application left them.
  void give_back() const;

 private:
  static constexpr std::array kSignals{SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP};

  sigset_t mask_{};
  std::array<struct sigaction, kSignals.size()> actions_{};
};

}  // namespace vassal
