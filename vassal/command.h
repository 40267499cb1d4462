// Command: looks after a tenant's own server (`command =`), which serves the listening
// sockets of the vassal by itself: starts it, tells the emperor what it says, asks it to
// finish, reaps it and whatever it leaves behind. The Master of a vassal without workers
// of ours.
//
// No request passes through here, so there is no scoreboard: what the program does is
// known from its own words (uWSGI's emperor protocol, sd_notify(3)) and its end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "vassal/announcer.h"
#include "vassal/command_plan.h"
#include "vassal/command_state.h"
#include "vassal/config.h"
#include "vassal/lifeline.h"
#include "vassal/master_signals.h"

namespace vassal {

class Command {
 public:
  /// The listeners stay the caller's. All references must outlive this.
  Command(const VassalConfig& config,
          std::vector<ListenerName> listeners,
          Lifeline& lifeline,
          Announcer& announcer);

  /// Runs the program until it ends; the exit code of this process, or kRunAgain.
  int run();

 private:
  base::Result<> start();
  base::Result<base::Fd> open_line();
  base::Result<std::string> open_notify();
  void wait();
  void on_signals();
  void on_lifeline();
  void on_line();
  void on_notify();
  void tick(base::Instant now);
  void tell(CommandState::Tell what);
  void reap();
  void on_end(base::ExitStatus status);
  void drain(base::Instant now);
  void ask_to_finish();

  const VassalConfig& config_;
  std::vector<ListenerName> listeners_;
  Lifeline& lifeline_;
  Announcer& announcer_;
  CommandState state_;
  MasterSignals outside_;
  base::Fd epoll_;
  base::Fd signals_;
  base::Fd line_;    // our end of the uWSGI's emperor descriptor
  base::Fd notify_;  // where sd_notify(3) arrives
  pid_t pid_ = 0;
  bool draining_ = false;
  bool again_ = false;  // to be followed by the same program on the same sockets
  std::optional<base::Instant> kill_at_;
  std::optional<int> exit_code_;
};

}  // namespace vassal
