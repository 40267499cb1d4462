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
#include "vassal/announcer.h"
#include "vassal/config.h"
#include "vassal/health_check.h"
#include "vassal/intake.h"
#include "vassal/lifeline.h"
#include "vassal/master_pulse.h"
#include "vassal/master_signals.h"
#include "vassal/master_slots.h"
#include "vassal/runtime.h"
#include "vassal/scoreboard.h"
#include "vassal/touches.h"

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
         Lifeline& lifeline,
         Announcer& announcer);
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
  void start_workers(base::Instant now);

  // workers
  void spawn(uint32_t index, base::Instant now);
  [[noreturn]] void become_worker(uint32_t index, base::Fd orders);
  bool workers_say_up() const;
  void on_orders(uint32_t index);
  void reap();
  void on_worker_end(uint32_t index, base::ExitStatus status, base::Instant now);
  void poke_another(uint32_t index);
  void send_order(const Slot& slot, std::string_view order);
  bool any_worker() const;

  // making things new (master_reload.cc)
  void ask_reload(const std::string& why);
  void on_touches(base::Instant now);
  void renew_workers();
  void go_on_with_chain(base::Instant now);
  void dismiss(uint32_t index, base::Instant kill_at);
  base::Result<> begin_check(base::Instant now);
  void look_at_check(base::Instant now);
  void end_check(const std::string& fault, base::Instant now);
  void checked_worker_ended(const std::string& how, base::Instant now);

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
  Announcer& announcer_;
  std::vector<std::string> prefixes_;
  std::vector<Slot> slots_;
  WorkerPage* pages_ = nullptr;
  base::Fd epoll_;
  base::Fd signals_;
  base::Fd poke_;
  MasterSignals outside_;  // gives workers the signals as they were
  std::optional<base::Instant> overdue_check_;
  Pulse pulse_;
  Touches touches_;
  std::vector<uint32_t> chain_;  // slots whose workers are to be replaced, the next last
  pid_t chain_pid_ = 0;          // who leaves now
  HealthCheck check_;
  bool checking_ = false;  // the only worker is there for the check
  bool again_ = false;     // to be followed by the same program on the same sockets
  std::optional<int> exit_code_;
  Phase phase_ = Phase::starting;
};

}  // namespace vassal
