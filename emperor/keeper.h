// The keeper: the process an operator starts. It starts the emperor proper and starts it
// again when it dies, puts a new one in its place for an upgrade, is parent and reaper of
// every vassal and router, and holds a named duplicate of every descriptor that has to
// outlive the emperor.
//
// It parses nothing of a tenant's, decides nothing about vassals and uses no event loop:
// one poll(2) over a signalfd and the channels to the emperor and its candidate. The
// messages are in base/wire/keeper.h. It may die, too: the emperor then starts another
// one, or finds the one that the service manager started (keeper_takeover.h).
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "emperor/heritage.h"
#include "emperor/holding.h"
#include "emperor/keeper_seat.h"
#include "emperor/notify.h"

namespace emperor {

struct KeeperSetup {
  std::string run_dir;
  /// Role::keeper: in a dead one's place, with the emperor behind `channel`. Else the
  /// first of all, or one that has to find out.
  Heritage heritage;
  std::chrono::seconds upgrade_timeout{30};
};

class Keeper {
 public:
  Keeper(const KeeperSetup& setup, base::Log& log)
      : setup_(setup), log_(log), notify_(Notify::from_environment()), store_(notify_) {}

  base::Result<> prepare();
  /// Until the emperor has shut down; the exit code of the program.
  int run();
  /// Removes what names this pair; the logs stay.
  void clean();

 private:
  /// How far an upgrade is.
  enum class Stage {
    none,
    rehearsing,  ///< the candidate reads the state
    leaving,     ///< the candidate can; the emperor was told to leave
    settling,    ///< the candidate is the emperor, and not up yet
  };
  enum class Binary { good, installed };

  // start (keeper_start.cc)
  base::Result<> take_place();
  base::Result<> lock_directory();
  base::Result<> take_over(base::Fd channel);
  void keep_what_the_manager_kept();
  base::Result<> take_signals();
  base::Result<Seat> start(Heritage::Role role, Binary binary);
  [[noreturn]] void exec(const Heritage& heritage, Binary binary) const;
  void start_emperor();
  void remember_good_binary(pid_t pid);

  // the loop
  void wait_for_something();
  int wait_ms() const;
  void on_signals();
  void on_signal(uint32_t number);
  void reap();
  void on_emperor_end(base::ExitStatus status);
  void on_candidate_end(base::ExitStatus status);
  void on_child_end(pid_t pid, int wait_status);
  void hear(std::optional<Seat>& seat);
  void on_message(Seat::Said said);
  void on_holding(const std::string& verb, const std::string& name, const base::Fd& fd);
  void on_candidate(const wire::Message& message);
  void want_stop();
  void send_former_away();
  void emperor_ended(const std::string& how);
  void restart_later(const std::string& how);
  void on_up();
  void look_at_clock();
  void watch_over();
  std::string path(const char* name) const { return setup_.run_dir + "/" + name; }

  // upgrades (keeper_upgrade.cc)
  void upgrade(Binary binary);
  void upgrade_failed(const std::string& reason);
  void candidate_can();
  void candidate_becomes_emperor();
  void stage_is_late();

  const KeeperSetup& setup_;
  base::Log& log_;
  Notify notify_;
  OwnHolding held_;
  StoreHolding store_;
  base::Fd lock_;
  base::Fd signals_;
  base::Fd good_;  ///< the binary of the last emperor that came up
  sigset_t original_mask_{};
  std::optional<Seat> emperor_;
  std::optional<Seat> candidate_;
  std::optional<Seat> former_;  ///< has left, and stays until the next one is up
  Stage stage_ = Stage::none;
  base::Deadline stage_until_;
  bool replace_routers_ = false;
  bool emperor_up_ = false;     ///< one came up at least once
  bool up_ = false;             ///< the one of now did
  bool shutting_down_ = false;  ///< the emperor ends on purpose
  bool stop_wanted_ = false;    ///< somebody was told to stop
  int exit_code_ = -1;
  base::Instant started_;
  base::Duration wait_ = std::chrono::milliseconds(20);
  base::Deadline restart_at_{base::Clock::now()};
  base::Deadline watch_at_;  ///< when to look whether the emperor is there
  base::Instant heard_;      ///< when it was there last
  Exits exits_;
};

/// Runs until the emperor has shut down; returns the exit code of the program.
int run_keeper(const KeeperSetup& setup, base::Log& log);

}  // namespace emperor
