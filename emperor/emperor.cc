#include "emperor/emperor.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/wire/keeper.h"
#include "emperor/listen.h"
#include "emperor/metrics.h"
#include "emperor/views.h"
#include "vassal/hooks.h"
#include "vassal/layers.h"
#include "vassal/read_result.h"
#include "vassal/settings_codec.h"

namespace emperor {

using namespace std::chrono_literals;

Emperor::Emperor(uvx::Loop& loop,
                 Options options,
                 Heritage heritage,
                 cgroups::Tree tree,
                 base::Log& log)
    : loop_(loop),
      options_(std::move(options)),
      heritage_(std::move(heritage)),
      log_(log),
      tree_(std::move(tree)),
      tasks_(loop),
      keeper_(std::make_shared<MessageChannel>(loop, tasks_, base::Fd(heritage_.channel)),
              base::Fd(heritage_.lock)),
      door_(loop,
            tasks_,
            log_,
            [this](std::shared_ptr<MessageChannel> channel, pid_t pid) {
              return on_new_keeper(std::move(channel), pid);
            }),
      keeper_wake_(loop),
      alarm_wake_(loop),
      changed_(loop),
      stop_(loop),
      rescan_wake_(loop),
      doorbell_(loop),
      logger_({loop, tasks_, keeper_, log_, options_}),
      launcher_(
          {loop, tasks_, keeper_, logger_, log_, options_, roster_, tree_,
           [this](base::Instant at, Alarm alarm) { set_alarm(at, std::move(alarm)); },
           *this}),
      router_({loop, tasks_, keeper_, log_, options_, roster_, claims_}),
      reader_(loop,
              tasks_,
              log_,
              [this](vassal::ReadResult result) { on_read(std::move(result)); }),
      control_(loop,
               tasks_,
               log_,
               [this](ControlRequest request) { return answer(std::move(request)); }),
      stats_(loop,
             tasks_,
             log_,
             "emperor-stats",
             StatsServer::Protocol::bare,
             [this] { return stats_json(roster_, options_); }),
      metrics_(
          loop,
          tasks_,
          log_,
          "metrics",
          StatsServer::Protocol::http,
          [this] { return metrics_text(roster_, router_.figures()); },
          [this] { return router_.gather(); }),
      term_(loop, SIGTERM),
      interrupt_(loop, SIGINT),
      hangup_(loop, SIGHUP),
      user2_(loop, SIGUSR2),
      upgrade_(loop) {
  control_.hand_over = [this](const ControlRequest& request, int client) {
    return show_log(request, client);
  };
  router_.on_spoiled = [this](uint64_t id) {
    on_spoiled(id);
  };
  router_.on_wanted = [this](uint64_t id) {
    on_wanted(id);
  };
}

// ---- start
// ------------------------------------------------------------------------------------

uvx::Task<int> Emperor::run() {
  const bool candidate = heritage_.role == Heritage::Role::candidate;
  if (candidate && !co_await stand_by()) {
    close_everything();
    co_await tasks_.join();
    co_return 1;
  }
  if (auto started = co_await start(); !started) {
    log_.error("emperor: {}", started.error().message());
    close_everything();
    co_await tasks_.join();
    co_return 1;
  }
  keeper_.up();
  while (!stopping_ && !leaving_)
    co_await stop_.wait();
  if (leaving_) co_await leave();
  co_await shut_down();
  const bool orphaned = keeper_.lost();
  close_everything();
  co_await tasks_.join();
  tree_.try_remove();
  // What the keeper would remove, were it still there.
  if (orphaned)
    for (const char* name : {"keeper.pid", "emperor.pid"})
      ::unlink((options_.run_dir + "/" + name).c_str());
  log_.info("emperor: ended");
  co_return 0;
}

uvx::Task<base::Result<>> Emperor::start() {
  if (auto made = make_run_dir(); !made) co_return made;
  auto held = co_await keeper_.fetch();
  if (!held) co_return std::unexpected(held.error());
  load_claims();
  if (auto read = read_layers(); !read) co_return read;
  if (auto read = read_domain_list(); !read) co_return read;
  auto control = open_control(&*held);
  if (!control) co_return std::unexpected(control.error());
  started_ = true;
  if (auto bound = router_.bind(&*held); !bound)
    co_return base::wrap(bound.error(), "router");
  for (const auto& note : tree_.notes())
    log_.info("cgroups: {}", note);
  adopt_everybody(&*held);
  settle_all_claims();  // the policy may be another than our predecessor's
  router_.start(&*held);
  if (replace_routers_) router_.replace_all();
  logger_.start(&*held);
  adopt_logs();
  if (replace_routers_) logger_.replace();
  clear_leftovers(*held);
  if (auto opened = open_sources(); !opened) co_return opened;
  // Whoever asks is answered with everything in its place.
  control_.start(*std::move(control));
  if (auto opened = door_.open(options_.run_dir + wire::keeper::kDoorName); !opened)
    co_return opened;
  if (reader_.idle()) purge_claims();
  reader_.on_idle = [this] {
    purge_claims();
    remove_logs_later();
  };
  if (auto shown = show_itself(); !shown) co_return shown;
  tasks_.spawn(ring_alarms(this));
  tasks_.spawn(hear_knocks(this));
  tasks_.spawn(hear_keeper(this));
  tasks_.spawn(hear_signal(this, &term_, Wish::stop));
  tasks_.spawn(hear_signal(this, &interrupt_, Wish::stop));
  tasks_.spawn(hear_signal(this, &hangup_, Wish::reload));
  tasks_.spawn(hear_signal(this, &user2_, Wish::upgrade));
  tasks_.spawn(rescan(this));
  log_.info("emperor: up pid={} run-dir={} cgroup={}", ::getpid(), options_.run_dir,
            tree_.text());
  co_return base::Result<>{};
}

base::Result<> Emperor::make_run_dir() {
  // Others may pass through to the router's socket, and read nothing but what its mode
  // lets them.
  for (const auto& [directory, mode] :
       {std::pair(options_.run_dir, mode_t{0755}),
        std::pair(options_.run_dir + "/logs", mode_t{0750})}) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return base::fail(error.value(), "create " + directory);
    if (::chmod(directory.c_str(), mode) != 0)
      return base::fail_errno("chmod " + directory);
  }
  return {};
}

/// Defaults and policy are the operator's: read once, here, and every fault ends the
/// start.
base::Result<> Emperor::read_layers() {
  defaults_.clear();
  policy_.clear();
  vassal::ReadOptions options;
  options.for_many = true;
  options.links = base::Links::follow;
  std::vector<std::pair<std::string, std::vector<base::Setting>*>> files;
  files.emplace_back(options_.defaults, &defaults_);
  for (const auto& file : options_.include_before)
    files.emplace_back(file, &defaults_);
  for (const auto& file : options_.include_behind)
    files.emplace_back(file, &policy_);
  files.emplace_back(options_.policy, &policy_);
  for (const auto& [file, layer] : files) {
    if (file.empty()) continue;
    auto read = vassal::read_vassal_file(file, options);
    if (const auto* error = read.first_error()) return base::fail(error->message());
    layer->insert(layer->end(), read.settings.begin(), read.settings.end());
  }
  for (const auto& [key, value] : options_.hooks)
    policy_.push_back({key, value, {vassal::kOperatorOrigin, 0}});
  TRY(refuse_filled_hooks());
  vassal::ReadOptions every;
  every.preset = options_.vassal_settings;
  every.on_demand_extension = options_.on_demand_extension;
  reader_.set_options(std::move(every));
  rules_ = hash_of_rules();
  return {};
}

/// A vassal's name, or a value out of its file, must never become a part of what root's
/// shell reads.
base::Result<> Emperor::refuse_filled_hooks() const {
  std::vector<base::Setting> all = defaults_;
  all.insert(all.end(), policy_.begin(), policy_.end());
  for (const auto& [key, value] : options_.vassal_settings)
    all.push_back({key, value, {vassal::kOperatorOrigin, 0}});
  for (const auto& setting : all)
    if (vassal::runs_as_root(setting.key) &&
        setting.value.find('%') != setting.value.npos)
      return base::fail(setting.origin.text() + ": " + setting.key +
                        ": nothing is filled into what root runs: write "
                        "\"$UWSGI_VASSAL\" for the vassal's name");
  return {};
}

/// The listener outlives the emperor, too: who asks meanwhile is answered by the next
/// one.
base::Result<base::Fd> Emperor::open_control(Held* held) {
  const std::string name = "listener/control/" + options_.control;
  base::Fd listener;
  if (auto kept = held->extract(name); !kept.empty()) listener = std::move(kept.mapped());
  if (!listener || !is_own_socket(options_.control)) {
    listener.reset();
    TRY_ASSIGN(listener, listen_on(options_.control));
    TRY(give_socket(options_.control, mode_t{0600}, ""));
    keeper_.hold(name, listener.get());
  }
  return listener;
}

/// What uWSGI's emperor shows: figures for whoever connects, and its pid in a file.
base::Result<> Emperor::show_itself() {
  for (const auto& note : options_.notes)
    log_.warn("emperor: {}", note);
  if (!options_.stats.empty()) stats_.start(options_.stats);
  if (!options_.metrics.empty()) metrics_.start(options_.metrics);
  if (options_.pidfile.empty()) return {};
  return base::write_file(options_.pidfile, std::to_string(::getpid()) + "\n");
}

base::Result<> Emperor::open_sources() {
  const SourceRules rules{options_.extensions, options_.nofollow};
  for (size_t i = 0; i < options_.sources.size(); ++i) {
    TRY_ASSIGN(auto source, DirSource::open(loop_, options_.sources[i], i, rules));
    sources_.push_back(std::move(source));
    scan(i);
    if (const size_t strangers = sources_[i]->strangers(); strangers > 0)
      log_.warn("emperor: source={} files={} are no ini files and are not read",
                options_.sources[i], strangers);
    tasks_.spawn(watch_source(this, i));
  }
  return {};
}

// ---- loops
// ------------------------------------------------------------------------------------

uvx::Task<void> Emperor::watch_source(Emperor* self, size_t index) {
  DirSource& source = *self->sources_[index];
  for (;;) {
    const auto hints = co_await source.changed();
    if (!hints) break;
    for (const auto& hint : *hints) {
      if (self->stopping_) break;
      if (hint.path.empty()) {
        self->scan(index);
        break;
      }
      if (hint.quiet) {
        self->restless_.erase(hint.path);
        self->look_at(index, hint.path);
      } else {
        const auto now = base::Clock::now();
        const bool known = self->restless_.contains(hint.path);
        self->restless_[hint.path] = {index, now};
        if (!known) self->set_alarm(now + 100ms, {Alarm::Kind::quiet, hint.path});
      }
    }
    co_await self->loop_.yield();
  }
}

uvx::Task<void> Emperor::rescan(Emperor* self) {
  for (;;) {
    co_await self->rescan_wake_.wait(base::Deadline::in(self->options_.rescan));
    if (self->stopping_ || self->rescan_wake_.closed()) co_return;
    self->reread_domain_list();
    for (size_t i = 0; i < self->sources_.size(); ++i)
      self->scan(i);
  }
}

void Emperor::set_alarm(base::Instant at, Alarm alarm) {
  const bool first = alarms_.next().at() > at;
  alarms_.set(at, std::move(alarm));
  if (first) alarm_wake_.set();
}

uvx::Task<void> Emperor::ring_alarms(Emperor* self) {
  while (!self->alarm_wake_.closed()) {
    co_await self->alarm_wake_.wait(self->alarms_.next());
    while (const auto alarm = self->alarms_.take_due(base::Clock::now()))
      self->ring(*alarm);
  }
}

void Emperor::ring(const Alarm& alarm) {
  Vassal* vassal = roster_.find(alarm.vassal);
  switch (alarm.kind) {
    case Alarm::Kind::due:
      if (vassal != nullptr) {
        const State before = vassal->life.state();
        carry_out(*vassal, vassal->life.on_due(may_sleep(*vassal), base::Clock::now()),
                  before);
      }
      break;
    case Alarm::Kind::quiet:
      ring_quiet(alarm);
      break;
    case Alarm::Kind::spoiled:
      if (vassal != nullptr) renew_channel(*vassal);
      break;
    case Alarm::Kind::idle:
      if (vassal != nullptr) ring_idle(*vassal);
      break;
    case Alarm::Kind::last_words:
      if (vassal != nullptr) read_last_words(*vassal, alarm.generation);
      break;
    case Alarm::Kind::knock:
      if (vassal != nullptr) look_at_door(*vassal);
      break;
    case Alarm::Kind::sockets:
      if (vassal == nullptr) break;
      vassal->sockets_alarm = false;
      if (vassal->life.state() == State::asleep) launcher_.open_sockets(*vassal);
      break;
    case Alarm::Kind::reload:
      if (vassal != nullptr) carry_out_asked(*vassal);
      break;
    case Alarm::Kind::old_logs:
      remove_logs();
      break;
    case Alarm::Kind::claims:
      save_claims();
      break;
    case Alarm::Kind::start_timeout:
    case Alarm::Kind::slot:
    case Alarm::Kind::mercy:
    case Alarm::Kind::lost:
    case Alarm::Kind::gone:
    case Alarm::Kind::heartbeat:
      launcher_.on_alarm(alarm);
      break;
  }
}

/// A file that was being written is looked at once nobody has touched it for a while.
void Emperor::ring_quiet(const Alarm& alarm) {
  const auto found = restless_.find(alarm.vassal);
  if (stopping_ || found == restless_.end()) return;
  const Restless restless = found->second;
  if (restless.touched + 100ms > base::Clock::now()) {
    set_alarm(restless.touched + 100ms, alarm);
    return;
  }
  restless_.erase(found);
  look_at(restless.source, alarm.vassal);
}

uvx::Task<void> Emperor::hear_signal(Emperor* self, uvx::SignalWatch* watch, Wish wish) {
  while (co_await watch->next()) {
    if (wish == Wish::stop)
      self->begin_shutdown("signal");
    else if (wish == Wish::reload)
      self->reload_all();
    else
      self->keeper_.ask_upgrade();
  }
}

}  // namespace emperor
