// Master: loads the application once, forks the workers after it, and looks after them.
//
// One thread, no event library: this process holds the interpreter and forks. It sleeps
// without any tick unless a worker has to be replaced, is to be killed, or holds a
// request while `harakiri` is on. Loses its emperor without stopping.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "vassal/config.h"
#include "vassal/intake.h"
#include "vassal/lifeline.h"
#include "vassal/master_pulse.h"
#include "vassal/master_signals.h"
#include "vassal/master_slots.h"
#include "vassal/runtime.h"
#include "vassal/scoreboard.h"

namespace vassal {

/// Instead of an exit code: the program is to start anew in this process.
inline constexpr int kRunAgain = 256;

/// Prefixes of the applications that the runtime loads from `config`, by index.
std::vector<std::string> application_prefixes(const VassalConfig& config);

class Master {
 public:
  /// `runtime` null: static files only. All references must outlive the master.
  Master(const VassalConfig& config,
         Sockets sockets,
         Runtime* runtime,
         ScoreboardMap& board,
         Lifeline& lifeline);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master();

  /// Serves until told to end; the exit code of the process, or kRunAgain.
  int run();

 private:
  enum class Phase { starting, serving, draining };

  // start
  std::optional<int> load();
  base::Result<> prepare();
  void announce();

  // workers
  void spawn(uint32_t index, base::Instant now);
  [[noreturn]] void become_worker(uint32_t index, base::Fd orders);
  void on_orders(uint32_t index);
  void reap();
  void on_worker_end(uint32_t index, base::ExitStatus status, base::Instant now);
  void poke_another(uint32_t index);
  void send_order(const Slot& slot, std::string_view order);
  bool any_worker() const;

  // the loop
  void wait();
  void on_signals();
  void on_lifeline();
  void tick(base::Instant now);
  void look_for_overdue(base::Instant now);
  void feel_pulse(base::Instant now);
  std::optional<base::Instant> oldest_of_all(base::Instant now);
  void drain(base::Instant now);
  void stop();

  const VassalConfig& config_;
  Sockets sockets_;
  Runtime* runtime_;
  ScoreboardMap& board_;
  Lifeline& lifeline_;
  std::vector<std::string> prefixes_;
  std::vector<Slot> slots_;
  WorkerPage* pages_ = nullptr;
  base::Fd epoll_;
  base::Fd signals_;
  base::Fd poke_;
  MasterSignals outside_;  // gives workers the signals as they were
  std::optional<base::Instant> overdue_check_;
  Pulse pulse_;
  bool again_ = false;  // to be followed by the same program on the same sockets
  std::optional<int> exit_code_;
  Phase phase_ = Phase::starting;
};

}  // namespace vassal
