// Emperor: the story that ties everything together. Files change, generations live and
// die, the operator asks; each becomes an event of one vassal's life, and its orders are
// carried out.
//
// Decisions are in life.h, reconcile.h, claims.h and trust.h; edges in launcher.h,
// router_link.h, file_reader.h, dir_source.h and control.h. Everything here is O(1) or
// O(log n) per event.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/log.h"
#include "cgroups/tree.h"
#include "emperor/alarms.h"
#include "emperor/claims.h"
#include "emperor/control.h"
#include "emperor/dir_source.h"
#include "emperor/domain_policy.h"
#include "emperor/doorbell.h"
#include "emperor/file_reader.h"
#include "emperor/heritage.h"
#include "emperor/keeper_door.h"
#include "emperor/keeper_link.h"
#include "emperor/launcher.h"
#include "emperor/logger_link.h"
#include "emperor/options.h"
#include "emperor/record.h"
#include "emperor/router_link.h"
#include "emperor/snapshot.h"
#include "emperor/stats.h"
#include "emperor/wake.h"

namespace emperor {

class Emperor final : LauncherReports {
 public:
  /// `heritage`: with our end of the keeper's channel, and the lock; both become ours.
  Emperor(uvx::Loop& loop,
          Options options,
          Heritage heritage,
          cgroups::Tree tree,
          base::Log& log);

  /// Serves until it is told to shut down. Returns the exit code.
  uvx::Task<int> run();

 private:
  // start and end
  uvx::Task<base::Result<>> start();
  base::Result<> make_run_dir();
  base::Result<> read_layers();
  base::Result<> refuse_filled_hooks() const;
  uint64_t hash_of_rules() const;
  base::Result<> open_sources();
  base::Result<base::Fd> open_control(Held* held);
  base::Result<> show_itself();
  void begin_shutdown(const std::string& why);
  uvx::Task<void> shut_down();
  void kill_everybody();
  bool give_up(base::Instant since_kill);
  void retire_everybody();
  void close_everything();

  // loops, each ends when what it waits for is closed
  static uvx::Task<void> watch_source(Emperor* self, size_t index);
  static uvx::Task<void> rescan(Emperor* self);
  static uvx::Task<void> ring_alarms(Emperor* self);
  void ring(const Alarm& alarm);
  void ring_quiet(const Alarm& alarm);
  enum class Wish { stop, reload, upgrade };
  static uvx::Task<void> hear_signal(Emperor* self, uvx::SignalWatch* watch, Wish wish);

  // one emperor after the other, one keeper after the other (emperor_succession.cc)
  uvx::Task<bool> stand_by();
  uvx::Task<base::Result<>> rehearse();
  uvx::Task<void> leave();
  uvx::Task<void> say_all(base::Deadline deadline);
  bool next_emperor_came_up() const;
  uvx::Task<base::Result<std::string>> upgrade();
  static uvx::Task<void> hear_keeper(Emperor* self);
  void on_keeper(const wire::Message& message);
  void watch_everybody();
  static uvx::Task<bool> find_keeper(Emperor* self);
  base::Result<> start_keeper();
  std::optional<std::string> on_new_keeper(std::shared_ptr<MessageChannel> channel,
                                           pid_t pid);

  // files
  void scan(size_t source);
  void look_at(size_t source, const std::string& path);
  void apply_change(const Change& change, const Listed* listed);
  void read_file(const Listed& listed);
  std::optional<std::string> judge(const std::string& path, uid_t* uid, gid_t* gid) const;
  void on_read(vassal::ReadResult result);
  std::optional<std::string> distrust_read(const vassal::ReadResult& result) const;
  void file_is_broken(const std::string& path, const std::string& why);
  void file_is_good(const std::string& path,
                    std::shared_ptr<const Configuration> configuration);
  void file_is_gone(const std::string& path);
  void fit_to_us(vassal::VassalConfig* config) const;
  std::optional<std::string> refuse_identity(const vassal::VassalConfig& config) const;
  Vassal* vassal_of(const std::string& path);
  Vassal* add_vassal(const std::string& path);

  // what an earlier emperor left
  static bool is_snapshot(const std::string& held_name);
  static base::Result<Snapshot> read_snapshot(const base::Fd& memfd);
  static bool has_readable_configurations(const Snapshot& snapshot);
  void adopt_everybody(Held* held);
  void adopt(const Snapshot& snapshot, Held* held);
  void adopt_file(Vassal& vassal, const Snapshot& snapshot);
  bool adopt_channel(Vassal& vassal, const Snapshot& snapshot, Held* held);
  void adopt_sockets(Vassal& vassal, const Snapshot& snapshot, Held* held);
  void end_strays(const Vassal& vassal);
  void adopt_generation(Vassal& vassal,
                        const Snapshot& snapshot,
                        const Snapshot::Started& started,
                        Held* held);
  void go_on(Vassal& vassal);
  void adopt_logs();
  std::shared_ptr<const Configuration> decode(const std::string& encoded) const;
  void clear_leftovers(const Held& held);

  // lives
  void happen(Vassal& vassal, Event event);
  void carry_out(Vassal& vassal, const std::vector<Order>& orders, State before);
  void forget(Vassal& vassal);
  void load_claims();
  base::Result<> read_domain_list();
  void reread_domain_list();
  bool name_counts(const std::string& path) const;
  Claimer claimer(const Vassal& vassal) const;
  void settle_claims(Vassal& vassal);
  void tell_refused(Vassal& vassal, std::vector<RefusedDomain> refused);
  void settle_all_claims();
  void purge_claims();
  void remove_logs_later();
  void remove_logs();
  void pass_on(const std::vector<HostChange>& changes);
  void on_ready(Vassal& vassal, uint64_t generation) override;
  void on_failed(Vassal& vassal, const Generation& generation) override;
  void on_gone(Vassal& vassal, const Generation& generation) override;
  void on_idle(Vassal& vassal, uint64_t generation) override;
  void on_sockets(Vassal& vassal, const std::string& why) override;
  void remember_death(Vassal& vassal, const Generation& generation);
  void read_last_words(Vassal& vassal, uint64_t generation);
  void on_reload_asked(Vassal& vassal,
                       uint64_t generation,
                       const std::string& why) override;
  void on_changed(const Vassal& vassal) override;
  void on_spoiled(uint64_t id);
  void on_wanted(uint64_t id);
  bool give_channel(Vassal& vassal);
  void renew_channel(Vassal& vassal);
  Launcher::Urgency urgency_of(const Order& order) const;
  void carry_out_asked(Vassal& vassal);
  void reload_all();

  // sleep
  static Lazy may_sleep(const Vassal& vassal);
  static Event change_of(const Vassal& vassal);
  void settle_sleep(Vassal& vassal, State before);
  void listen_at_door(Vassal& vassal);
  void leave_door(Vassal& vassal);
  static uvx::Task<void> hear_knocks(Emperor* self);
  void look_at_door(Vassal& vassal);
  void watch_idleness(Vassal& vassal);
  void ring_idle(Vassal& vassal);
  void turn_visitors_away(const Vassal& vassal);

  // the operator
  uvx::Task<base::Result<std::string>> answer(ControlRequest request);
  base::Result<std::string> change(Vassal& vassal, Event event);
  base::Result<std::string> explain(const Vassal& vassal) const;
  std::string log_path(const Vassal& vassal) const;
  base::Result<> keep_log(Vassal& vassal);
  bool show_log(const ControlRequest& request, int client);
  void save_claims();

  void set_alarm(base::Instant at, Alarm alarm);
  double random() { return std::uniform_real_distribution<>(0, 1)(random_); }

  uvx::Loop& loop_;
  Options options_;
  Heritage heritage_;
  base::Log& log_;
  cgroups::Tree tree_;
  uvx::TaskGroup tasks_;
  KeeperLink keeper_;
  KeeperDoor door_;
  Wake keeper_wake_;
  base::Duration keeper_wait_{};  ///< before another one; grows while each ends at once
  base::Instant keeper_since_;    ///< when we started one last
  Roster roster_;
  Claims claims_;
  DomainPolicy domain_policy_;
  FileIdentity domain_list_identity_;
  Alarms alarms_;
  Wake alarm_wake_;
  Wake changed_;  // something may have ended: for shutting down
  Wake stop_;
  Wake rescan_wake_;
  Doorbell doorbell_;
  LoggerLink logger_;
  Launcher launcher_;
  RouterLink router_;
  FileReader reader_;
  Control control_;
  StatsServer stats_;
  StatsServer metrics_;
  uvx::SignalWatch term_;
  uvx::SignalWatch interrupt_;
  uvx::SignalWatch hangup_;
  uvx::SignalWatch user2_;
  struct Upgrade {
    explicit Upgrade(uvx::Loop& loop) : wake(loop) {}
    Wake wake;
    bool waits = false;  ///< somebody wants to know how it went
    std::string failure;
    uint64_t successor = 0;  ///< its pid
  };
  Upgrade upgrade_;
  std::vector<std::unique_ptr<DirSource>> sources_;
  std::vector<base::Setting> defaults_;
  std::vector<base::Setting> policy_;
  uint64_t rules_ = 0;  ///< a hash of everything that decides what a file means
  std::unordered_map<std::string, std::string> names_;  // path -> vassal
  struct Restless {
    size_t source;
    base::Instant touched;
  };
  std::unordered_map<std::string, Restless> restless_;  // paths that somebody is writing
  std::minstd_rand random_{std::random_device{}()};
  bool started_ = false;  ///< what names this emperor in the run directory is ours
  bool stopping_ = false;
  bool leaving_ = false;          ///< another takes our place
  bool replace_routers_ = false;  ///< after an upgrade
  bool wave_ = false;             // every vassal is being reloaded: others come first
  bool claims_dirty_ = false;
  bool removes_logs_ = false;  ///< an alarm for it is set
};

}  // namespace emperor
