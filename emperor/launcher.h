// Launcher: carries out what lives order: starts, drains and kills generations, and says
// what became of them.
//
// An edge: sockets, memfds, cgroups, clone. It decides nothing but the order of starts:
// as many at once as there are CPUs and one more, and a slot is given back when its
// starter is ready, gone, has had it for 2 s, or stopped using CPU, so that nobody who
// sleeps while importing blocks the others.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/log.h"
#include "cgroups/tree.h"
#include "emperor/alarms.h"
#include "emperor/keeper_link.h"
#include "emperor/logger_link.h"
#include "emperor/options.h"
#include "emperor/record.h"
#include "emperor/turn_queue.h"
#include "vassal/spawn_plan.h"

namespace emperor {

/// What became of a generation. Called from the top of the loop, never from within an
/// order.
struct LauncherReports {
  virtual ~LauncherReports() = default;
  virtual void on_ready(Vassal& vassal, uint64_t generation) = 0;
  /// It could not start, or not in time; it is to be killed.
  virtual void on_failed(Vassal& vassal, const Generation& generation) = 0;
  /// Every process of it is gone, and it is not among the vassal's generations any more.
  virtual void on_gone(Vassal& vassal, const Generation& generation) = 0;
  /// It says itself that it had nothing to do for long enough.
  virtual void on_idle(Vassal& vassal, uint64_t generation) = 0;
  /// Sockets that a sleeper's file asks for are open now, or `why` not.
  virtual void on_sockets(Vassal& vassal, const std::string& why) = 0;
  /// It wants to be replaced (a touched file, SIGHUP).
  virtual void on_reload_asked(Vassal& vassal,
                               uint64_t generation,
                               const std::string& why) = 0;
  /// Something that the next emperor has to know is different now.
  virtual void on_changed(const Vassal& vassal) = 0;
};

class Launcher {
 public:
  struct Services {
    uvx::Loop& loop;
    uvx::TaskGroup& tasks;
    KeeperLink& keeper;
    LoggerLink& logger;
    base::Log& log;
    const Options& options;
    Roster& roster;
    const cgroups::Tree& tree;
    std::function<void(base::Instant, Alarm)> set_alarm;
    LauncherReports& reports;
  };
  explicit Launcher(Services services);

  /// Which starts come first.
  enum class Urgency { wave, normal, somebody_waits };
  void start(Vassal& vassal, uint64_t number, Urgency urgency = Urgency::normal);
  void drain(Vassal& vassal, uint64_t number);
  void kill(Vassal& vassal, uint64_t number);
  /// A fresh handoff channel, whatever happened to the old one.
  base::Result<> make_channel(Vassal& vassal);
  /// Opens what a sleeper's file asks for; on_sockets() tells. Nothing if all is open.
  void open_sockets(const Vassal& vassal);
  /// Closes sockets that the vassal's configuration does not name any more.
  void trim_sockets(Vassal& vassal);
  /// Gives back everything of a vassal that has no generations any more; it can be
  /// forgotten then.
  void give_back(Vassal& vassal);

  /// The keeper reaped a child; false if it was no vassal.
  bool on_exit(pid_t pid, base::ExitStatus status);
  void on_alarm(const Alarm& alarm);
  /// Nobody reaps for us any more: the end of each generation is seen by its pidfd.
  void watch_everybody();
  /// Its scoreboard says that it is ready, and the word of it went to an emperor that is
  /// gone.
  bool missed_ready(const Generation& generation) const;
  void make_ready(Vassal& vassal, uint64_t number);
  /// Stops waiting for what cannot be killed.
  void let_go(Vassal& vassal);
  /// Goes on with a generation that an earlier emperor started: its pidfd is set, its
  /// lifeline given.
  void adopt(Vassal& vassal,
             const std::shared_ptr<Generation>& generation,
             base::Fd lifeline);
  /// Whom the vassal's processes and sockets belong to; nothing: us.
  base::Result<std::optional<vassal::Identity>> identity_of(
      const vassal::VassalConfig& config) const;

 private:
  using Gen = std::shared_ptr<Generation>;
  struct Queued {
    std::string vassal;
    uint64_t generation;
  };
  void pump();
  bool anybody_waits() const {
    return !(urgent_.empty() && queue_.empty() && wave_.empty());
  }
  void free_slot(Generation& generation);
  void look_at_slots();
  static uvx::Task<void> launch(Launcher* self, std::string name, Gen generation);
  uvx::Task<base::Result<>> bring_up(std::string name, Gen generation);
  /// The operator's hooks of one phase, one after the other, until one fails.
  uvx::Task<base::Result<>> run_hooks(std::string name,
                                      Gen generation,
                                      vassal::HookPhase phase);
  static uvx::Task<void> run_hooks_behind(Launcher* self,
                                          std::string name,
                                          Gen generation);
  static uvx::Task<void> run_stop_hooks(Launcher* self, std::string name);
  base::Result<> clone(Vassal& vassal, const Gen& generation, int log, base::Fd* report);
  /// The descriptors of a generation, and whom it will be, as a plan for its process.
  base::Result<vassal::SpawnPlan> plan_for(const Vassal& vassal,
                                           const vassal::VassalConfig& config,
                                           vassal::VassalFds fds) const;
  void register_process(Vassal& vassal,
                        const Gen& generation,
                        base::Fd lifeline,
                        int board);
  base::Result<> make_group(Vassal& vassal, const Configuration& configuration);
  uvx::Task<base::Result<>> bind_sockets(
      std::string name, std::shared_ptr<const Configuration> configuration);
  void bind_for_sleepers();
  using Bind = TurnQueue<std::string>::Turn;
  static uvx::Task<void> bind_for_sleeper(Launcher* self, Bind turn);
  Vassal* find(const std::string& vassal, uint64_t id, const Generation& generation);
  static uvx::Task<void> listen_to(Launcher* self,
                                   std::string name,
                                   Gen generation,
                                   std::shared_ptr<MessageChannel> lifeline);
  void heard(Vassal& vassal, const Gen& generation, const wire::Message& message);
  void heard_heartbeat(Vassal& vassal, const Gen& generation);
  void miss_heartbeat(Vassal& vassal, const Gen& generation);
  static bool may_tell(Generation& generation);
  void watch(const Vassal& vassal, const Gen& generation);
  static uvx::Task<void> watch_end(Launcher* self, std::string name, Gen generation);
  base::Duration mercy_for(const Vassal& vassal, const Generation& generation) const;
  void became_ready(Vassal& vassal, const Gen& generation);
  struct Leftovers {
    std::string name;
    std::map<std::string, TenantSocket> sockets;
    cgroups::Group group;
    bool had_group;
  };
  static uvx::Task<void> remove_leftovers(Launcher* self, Leftovers left);
  static uvx::Task<void> report_gone(Launcher* self, std::string name, Gen generation);
  struct Ended {
    DeathKind kind = DeathKind::unseen;
    std::string how;
  };
  static Ended how_ended(base::ExitStatus status);
  void first_process_ended(Vassal& vassal, const Gen& generation, const Ended& ended);
  void sweep(Vassal& vassal, const Gen& generation);
  Gen find(const std::string& vassal, uint64_t generation) const;

  Services s_;
  uint32_t slots_ = 1;
  uint32_t slots_used_ = 0;
  std::deque<Queued> urgent_;  // somebody waits for these
  std::deque<Queued> queue_;
  std::deque<Queued> wave_;      // once nobody else waits
  std::deque<Queued> starters_;  // who holds a slot
  bool slot_alarm_set_ = false;
  /// Sleepers whose sockets are not open yet: each needs a child with the tenant's ids.
  static constexpr size_t kBindsAtOnce = 8;
  TurnQueue<std::string> to_bind_{kBindsAtOnce};
  std::set<std::string> binding_;  // whose socket is being opened
};

/// Names of descriptors at the keeper: kind, vassal, and what else tells them apart.
std::string held_name(std::string_view kind,
                      std::string_view vassal,
                      std::string_view what);

}  // namespace emperor
