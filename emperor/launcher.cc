#include "emperor/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/files.h"
#include "base/wire/lifeline.h"
#include "cgroups/name.h"
#include "emperor/tenant_log.h"
#include "vassal/spawn.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::lifeline;

namespace {

constexpr auto kSlotTime = 2s;
constexpr auto kSlotLook = 100ms;
/// Lines that one generation may add to our log in that time.
constexpr auto kTellTime = 10s;
constexpr unsigned kTellMost = 20;
/// Less CPU than this between two looks, and a starter only waits for something.
constexpr uint64_t kWorkingNs = 1'000'000;

/// CPU nanoseconds of a process so far (proc(5), schedstat).
uint64_t cpu_of(pid_t pid) {
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/schedstat", 256);
  return text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}

}  // namespace

std::string held_name(std::string_view kind, std::string_view vassal, std::string_view what) {
  std::string name(kind);
  name.append("\n").append(vassal).append("\n").append(what);
  return name;
}

Launcher::Launcher(Services services) : s_(std::move(services)) {
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  slots_ = s_.options.start_slots > 0 ? s_.options.start_slots : cpus;
}

Launcher::Gen Launcher::find(const std::string& vassal, uint64_t generation) const {
  Vassal* v = s_.roster.find(vassal);
  if (v == nullptr) return nullptr;
  const auto found = v->generations.find(generation);
  return found == v->generations.end() ? nullptr : found->second;
}

// ---- the queue of starts ----------------------------------------------------------------------

void Launcher::start(Vassal& vassal, uint64_t number, Urgency urgency) {
  auto generation = std::make_shared<Generation>();
  generation->number = number;
  generation->configuration = vassal.configuration;
  generation->began = base::Clock::now();
  vassal.generations[number] = generation;
  if (urgency == Urgency::somebody_waits)
    queue_.push_front({vassal.name, number});
  else
    queue_.push_back({vassal.name, number});
  pump();
}

void Launcher::pump() {
  while (slots_used_ < slots_ && !queue_.empty()) {
    const Queued next = std::move(queue_.front());
    queue_.pop_front();
    const Gen generation = find(next.vassal, next.generation);
    if (!generation || generation->over) continue;
    generation->holds_slot = true;
    generation->began = base::Clock::now();
    ++slots_used_;
    starters_.push_back(next);
    s_.tasks.spawn(launch(this, next.vassal, generation));
  }
  if (!queue_.empty() && !slot_alarm_set_) {
    slot_alarm_set_ = true;
    s_.set_alarm(base::Clock::now() + kSlotLook, {Alarm::Kind::slot, {}});
  }
}

void Launcher::free_slot(Generation& generation) {
  if (!std::exchange(generation.holds_slot, false)) return;
  --slots_used_;
  pump();
}

/// Only while others wait: whose starter sleeps, or had its time, makes room.
void Launcher::look_at_slots() {
  slot_alarm_set_ = false;
  const auto starters = std::exchange(starters_, {});
  for (const auto& starter : starters) {
    const Gen generation = find(starter.vassal, starter.generation);
    if (!generation || !generation->holds_slot) continue;
    starters_.push_back(starter);
    const uint64_t cpu = generation->pidfd ? cpu_of(generation->pidfd.pid()) : 0;
    const bool sleeps = generation->cpu_seen > 0 && cpu < generation->cpu_seen + kWorkingNs;
    generation->cpu_seen = cpu;
    if (sleeps || base::Clock::now() - generation->began > kSlotTime) free_slot(*generation);
  }
  pump();
}

// ---- one start --------------------------------------------------------------------------------

uvx::Task<void> Launcher::launch(Launcher* self, std::string name, Gen generation) {
  co_await self->s_.loop.yield();  // reports never come from within the order
  auto up = co_await self->bring_up(name, generation);
  Vassal* vassal = self->s_.roster.find(name);
  if (vassal == nullptr) co_return;
  if (generation->over && !generation->pidfd) {
    self->free_slot(*generation);
    self->sweep(*vassal, generation);
    co_return;
  }
  if (up) co_return;
  generation->failure = up.error().message();
  self->free_slot(*generation);
  self->s_.reports.on_failed(*vassal, generation->number, generation->failure);
}

uvx::Task<base::Result<>> Launcher::bring_up(std::string name, Gen generation) {
  if (generation->over) co_return base::Result<>{};
  if (auto bound = co_await bind_sockets(name, generation); !bound) co_return bound;
  Vassal* vassal = s_.roster.find(name);
  if (vassal == nullptr || generation->over) co_return base::Result<>{};
  auto log = co_await open_log(name, generation->configuration->config);
  if (!log) co_return std::unexpected(log.error());
  vassal = s_.roster.find(name);
  if (vassal == nullptr || generation->over) co_return base::Result<>{};
  base::Fd report;
  if (auto cloned = clone(*vassal, generation, log->get(), &report); !cloned) co_return cloned;

  uvx::Poll poll(s_.loop, report.get());
  for (;;) {
    const auto outcome = vassal::read_report(report.get());
    if (const auto* failed = std::get_if<vassal::SpawnFailed>(&outcome))
      co_return base::fail("spawn: " + failed->message());
    if (std::holds_alternative<vassal::SpawnExecuted>(outcome)) co_return base::Result<>{};
    if (auto ready = co_await poll.readable(base::Deadline::in(10s)); !ready) co_return ready;
  }
}

base::Result<> Launcher::make_group(Vassal& vassal, const Configuration& configuration) {
  auto created = s_.tree.create(vassal.name, configuration.config.limits);
  if (!created) return base::wrap(created.error(), "cgroup");
  if (!vassal.has_group)
    for (const auto& warning : created->warnings)
      s_.log.warn("vassal {}: {}", vassal.name, warning);
  vassal.group = std::move(created->group);
  vassal.has_group = true;
  return {};
}

base::Result<> Launcher::clone(Vassal& vassal, const Gen& generation, int log, base::Fd* report) {
  const Configuration& configuration = *generation->configuration;
  TRY(make_group(vassal, configuration));
  TRY_ASSIGN(auto lifeline, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  TRY_ASSIGN(const auto board, make_scoreboard(configuration.config.processes));
  TRY_ASSIGN(const auto settings, base::make_memfd("settings"));
  TRY(base::write_all(settings.get(), configuration.encoded));
  TRY(base::seal(settings.get()));
  generation->scoreboard = ScoreboardView::map(board.get());

  auto facts = vassal::spawn_facts_for(configuration.config, s_.options.vassal_program, vassal.name);
  facts.root_allowed = s_.options.allow_root_vassals;
  vassal::VassalFds fds{.config = settings.get(),
                        .lifeline = lifeline.second.get(),
                        .handoff = vassal.channel_receive.get(),
                        .scoreboard = board.get(),
                        .output = log,
                        .sockets = {}};
  for (const auto& address : configuration.config.sockets)
    if (const auto bound = vassal.sockets.find(address.text); bound != vassal.sockets.end())
      fds.sockets.emplace_back(bound->second.fd.get(), address.text);
  TRY_ASSIGN(auto plan, vassal::make_spawn_plan(configuration.config, facts, fds));
  if (!s_.options.python.empty()) plan.argv.push_back("--python=" + s_.options.python);

  TRY_ASSIGN(generation->leaf, vassal.group.make_leaf(generation->number));
  auto spawned = vassal::spawn(plan, s_.tree.active() ? &generation->leaf : nullptr);
  if (!spawned) return base::wrap(spawned.error(), "spawn");
  generation->pidfd = std::move(spawned->process);
  *report = std::move(spawned->report);
  const pid_t pid = generation->pidfd.pid();
  s_.roster.processes[pid] = {vassal.name, generation->number};
  const std::string number = std::to_string(generation->number);
  s_.keeper.hold(held_name("lifeline", vassal.name, number), lifeline.first.get());
  s_.keeper.hold(held_name("scoreboard", vassal.name, number), board.get());
  s_.keeper.hold(held_name("pidfd", vassal.name, number), generation->pidfd.fd());
  generation->lifeline =
      std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(lifeline.first));
  s_.tasks.spawn(listen_to(this, vassal.name, generation, generation->lifeline));
  s_.set_alarm(base::Clock::now() + configuration.config.start_timeout,
               {Alarm::Kind::start_timeout, vassal.name, generation->number});
  s_.log.info("vassal {}: spawned generation={} pid={} uid={} cgroup={}", vassal.name,
              generation->number, pid, plan.identity ? plan.identity->uid : ::geteuid(),
              generation->leaf.text());
  s_.reports.on_changed(vassal);
  return {};
}

/// The file that `logto` names, opened as the tenant; else one of ours in the run directory.
uvx::Task<base::Result<base::Fd>> Launcher::open_log(std::string name,
                                                     const vassal::VassalConfig& config) {
  if (!config.logto.empty()) {
    auto identity = identity_of(config);
    if (!identity) co_return std::unexpected(identity.error());
    co_return co_await open_tenant_log(s_.loop, config.logto, *identity);
  }
  const auto component = cgroups::component_of(name);
  if (!component) co_return std::unexpected(component.error());
  const std::string path = s_.options.run_dir + "/logs/" + *component + ".log";
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) co_return base::fail_errno("open " + path);
  co_return fd;
}

// ---- sockets ----------------------------------------------------------------------------------

base::Result<std::optional<vassal::Identity>> Launcher::identity_of(
    const vassal::VassalConfig& config) const {
  auto facts = vassal::spawn_facts_for(config, s_.options.vassal_program, {});
  facts.root_allowed = s_.options.allow_root_vassals;
  TRY_ASSIGN(auto plan, vassal::make_spawn_plan(config, facts, {}));
  return std::move(plan.identity);
}

uvx::Task<base::Result<>> Launcher::bind_sockets(std::string name, Gen generation) {
  const auto& config = generation->configuration->config;
  if (config.sockets.empty()) co_return base::Result<>{};
  const auto identity = identity_of(config);
  if (!identity) co_return std::unexpected(identity.error());
  for (const auto& address : config.sockets) {
    Vassal* vassal = s_.roster.find(name);
    if (vassal == nullptr || generation->over) co_return base::Result<>{};
    if (vassal->sockets.contains(address.text)) continue;
    auto bound = co_await bind_socket(s_.loop, config, address, *identity);
    if (!bound) co_return std::unexpected(bound.error());
    vassal = s_.roster.find(name);
    if (vassal == nullptr) {
      s_.tasks.spawn(unlink_socket(s_.loop, *std::move(bound)));
      co_return base::Result<>{};
    }
    s_.keeper.hold(held_name("socket", name, address.text), bound->fd.get());
    vassal->sockets[address.text] = *std::move(bound);
    s_.reports.on_changed(*vassal);
  }
  co_return base::Result<>{};
}

void Launcher::trim_sockets(Vassal& vassal) {
  if (!vassal.configuration) return;
  const auto& wanted = vassal.configuration->config.sockets;
  for (auto it = vassal.sockets.begin(); it != vassal.sockets.end();) {
    if (std::ranges::find(wanted, it->first, &vassal::SocketAddress::text) != wanted.end()) {
      ++it;
      continue;
    }
    s_.keeper.release(held_name("socket", vassal.name, it->first));
    s_.tasks.spawn(unlink_socket(s_.loop, std::move(it->second)));
    it = vassal.sockets.erase(it);
  }
}

base::Result<> Launcher::make_channel(Vassal& vassal) {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  vassal.channel_send = std::move(pair.first);
  vassal.channel_receive = std::move(pair.second);
  s_.keeper.hold(held_name("channel", vassal.name, "send"), vassal.channel_send.get());
  s_.keeper.hold(held_name("channel", vassal.name, "receive"), vassal.channel_receive.get());
  return {};
}

void Launcher::give_back(Vassal& vassal) {
  vassal.channel_send.reset();
  vassal.channel_receive.reset();
  for (const char* what : {"send", "receive"})
    s_.keeper.release(held_name("channel", vassal.name, what));
  for (const auto& [address, socket] : vassal.sockets)
    s_.keeper.release(held_name("socket", vassal.name, address));
  s_.tasks.spawn(remove_leftovers(this, {vassal.name, std::exchange(vassal.sockets, {}),
                                         std::exchange(vassal.group, {}),
                                         std::exchange(vassal.has_group, false)}));
}

uvx::Task<void> Launcher::remove_leftovers(Launcher* self, Leftovers left) {
  for (auto& [address, socket] : left.sockets)
    co_await unlink_socket(self->s_.loop, std::move(socket));
  for (int look = 0; left.had_group && look < 50; ++look) {
    // Somebody of the same name may be here again: then the group is his.
    if (const Vassal* again = self->s_.roster.find(left.name); again != nullptr && again->has_group)
      break;
    const auto removed = left.group.try_remove();
    if (!removed) self->s_.log.warn("vassal {}: {}", left.name, removed.error().message());
    if (!removed || *removed == cgroups::Removal::removed) break;
    (void)co_await self->s_.loop.sleep_for(20ms);
  }
}

// ---- what generations say ---------------------------------------------------------------------

uvx::Task<void> Launcher::listen_to(Launcher* self, std::string name, Gen generation,
                                    std::shared_ptr<MessageChannel> lifeline) {
  for (;;) {
    auto incoming = co_await lifeline->receive();
    if (!incoming) break;
    Vassal* vassal = self->s_.roster.find(name);
    if (vassal != nullptr) self->heard(*vassal, generation, incoming->message);
  }
  lifeline->close();
  // Without a keeper nobody tells how it ended; that it did is told by its pidfd.
  Vassal* vassal = self->s_.roster.find(name);
  if (vassal == nullptr || !self->s_.keeper.lost()) co_return;
  if (generation->pidfd.ended() && !generation->exited)
    self->first_process_ended(*vassal, generation, "ended, nobody knows how");
}

void Launcher::heard(Vassal& vassal, const Gen& generation, const wire::Message& message) {
  if (message.verb == verbs::kReady && !generation->ready && !generation->over)
    became_ready(vassal, generation);
  else if (message.verb == verbs::kFailed && generation->failure.empty())
    generation->failure = base::printable(message.get("reason"), 500);
  else if (message.verb == verbs::kWorkerDied && may_tell(*generation))
    s_.log.info("vassal {}: worker died generation={} worker={} reason=\"{}\"", vassal.name,
                generation->number, base::printable(message.get("worker"), 16),
                base::printable(message.get("reason"), 200));
}

/// The lifeline is the tenant's to flood, our log is not.
bool Launcher::may_tell(Generation& generation) {
  const auto now = base::Clock::now();
  if (now - generation.told_since > kTellTime) {
    generation.told_since = now;
    generation.told = 0;
  }
  return ++generation.told <= kTellMost;
}

void Launcher::became_ready(Vassal& vassal, const Gen& generation) {
  generation->ready = true;
  free_slot(*generation);
  const auto processes = generation->leaf.processes();
  (void)vassal::set_oom_score_adj(generation->pidfd.pid(), 0);
  if (processes)
    for (const pid_t pid : *processes) (void)vassal::set_oom_score_adj(pid, 0);
  s_.log.info("vassal {}: ready generation={} took={}ms", vassal.name, generation->number,
              (base::Clock::now() - generation->began) / 1ms);
  s_.reports.on_ready(vassal, generation->number);
}

// ---- the end of a generation ------------------------------------------------------------------

void Launcher::drain(Vassal& vassal, uint64_t number) {
  const Gen generation = find(vassal.name, number);
  if (!generation || generation->over) return;
  generation->over = true;
  if (generation->lifeline) generation->lifeline->send({verbs::kDrain, {}});
  const auto mercy = generation->configuration->config.reload_mercy;
  s_.set_alarm(base::Clock::now() + mercy, {Alarm::Kind::mercy, vassal.name, number});
  s_.log.info("vassal {}: drains generation={}", vassal.name, number);
}

void Launcher::kill(Vassal& vassal, uint64_t number) {
  const Gen generation = find(vassal.name, number);
  if (!generation) return;
  const bool launching = generation->holds_slot && !generation->pidfd;
  generation->over = true;
  if (generation->pidfd) {
    (void)generation->pidfd.signal(SIGKILL);
    (void)generation->leaf.kill();
    s_.set_alarm(base::Clock::now() + 20ms, {Alarm::Kind::gone, vassal.name, number});
  } else if (!launching) {
    s_.tasks.spawn(report_gone(this, vassal.name, generation));
  }
}

uvx::Task<void> Launcher::report_gone(Launcher* self, std::string name, Gen generation) {
  co_await self->s_.loop.yield();
  Vassal* vassal = self->s_.roster.find(name);
  if (vassal != nullptr) self->sweep(*vassal, generation);
}

bool Launcher::on_exit(pid_t pid, base::ExitStatus status) {
  const auto owner = s_.roster.processes.find(pid);
  if (owner == s_.roster.processes.end()) return false;
  const auto [name, number] = owner->second;
  // The word about an earlier process of the same number may come late.
  if (const Gen now = find(name, number); now && now->pidfd && !now->pidfd.ended()) return true;
  s_.roster.processes.erase(owner);
  Vassal* vassal = s_.roster.find(name);
  const Gen generation = find(name, number);
  if (vassal != nullptr && generation) first_process_ended(*vassal, generation, status.describe());
  return true;
}

void Launcher::first_process_ended(Vassal& vassal, const Gen& generation, const std::string& how) {
  generation->exited = true;
  s_.roster.processes.erase(generation->pidfd.pid());
  const uint64_t oom_kills = generation->leaf.oom_kills();
  if (oom_kills > 0) vassal.oom_kills += oom_kills;
  if (generation->failure.empty()) {
    generation->failure = generation->ready ? "ended: " + how : "ended before it was ready: " + how;
    if (oom_kills > 0) generation->failure += fmt::format(", out of memory ({} killed by its own memory-max)", oom_kills);
  }
  if (!s_.tree.active()) ::kill(-generation->pidfd.pid(), SIGKILL);  // its session, as far as it goes
  free_slot(*generation);
  sweep(vassal, generation);
}

/// Ends what is left in the leaf, removes it, and says so; or comes back soon.
void Launcher::sweep(Vassal& vassal, const Gen& generation) {
  if (generation->pidfd && !generation->exited) return;
  if (find(vassal.name, generation->number) != generation) return;  // that was said before
  if (!generation->leaf.text().empty()) {
    vassal.group.keep_counts_of(generation->leaf);
    auto removed = generation->leaf.try_remove();
    if (removed && *removed == cgroups::Removal::populated) {
      (void)generation->leaf.kill();
      removed = generation->leaf.try_remove();
    }
    if (removed && *removed == cgroups::Removal::populated) {
      const auto wait = std::min<base::Duration>(1ms * (int64_t{2} << std::min(generation->looks++, 9U)), 1s);
      s_.set_alarm(base::Clock::now() + wait, {Alarm::Kind::gone, vassal.name, generation->number});
      return;
    }
    if (!removed) s_.log.warn("vassal {}: {}", vassal.name, removed.error().message());
  }
  const std::string number = std::to_string(generation->number);
  for (const char* kind : {"lifeline", "scoreboard", "pidfd"})
    s_.keeper.release(held_name(kind, vassal.name, number));
  if (generation->lifeline) generation->lifeline->close();
  vassal.requests_before += generation->scoreboard.totals().finished;
  vassal.generations.erase(generation->number);
  s_.reports.on_gone(vassal, generation->number, generation->failure);
}

void Launcher::on_alarm(const Alarm& alarm) {
  if (alarm.kind == Alarm::Kind::slot) return look_at_slots();
  Vassal* vassal = s_.roster.find(alarm.vassal);
  const Gen generation = find(alarm.vassal, alarm.generation);
  if (vassal == nullptr || !generation) return;
  if (alarm.kind == Alarm::Kind::start_timeout && !generation->ready && !generation->over) {
    generation->failure = fmt::format("not ready after {} s (start-timeout)",
                                      generation->configuration->config.start_timeout.count());
    free_slot(*generation);
    s_.reports.on_failed(*vassal, alarm.generation, generation->failure);
  } else if (alarm.kind == Alarm::Kind::mercy) {
    s_.log.warn("vassal {}: killed, still busy after reload-mercy generation={}", alarm.vassal, alarm.generation);
    kill(*vassal, alarm.generation);
  } else if (alarm.kind == Alarm::Kind::lost && !generation->exited) {
    first_process_ended(*vassal, generation, "while no emperor was there");
  } else if (alarm.kind == Alarm::Kind::gone) {
    if (generation->exited || !generation->pidfd)
      sweep(*vassal, generation);
    else
      kill(*vassal, alarm.generation);
  }
}

void Launcher::adopt(Vassal& vassal, Gen generation, base::Fd lifeline) {
  const auto now = base::Clock::now();
  s_.roster.processes[generation->pidfd.pid()] = {vassal.name, generation->number};
  vassal.generations[generation->number] = generation;
  generation->began = now;
  if (lifeline) {
    generation->lifeline = std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(lifeline));
    s_.tasks.spawn(listen_to(this, vassal.name, generation, generation->lifeline));
  }
  const auto& config = generation->configuration->config;
  if (generation->over)
    s_.set_alarm(now + config.reload_mercy, {Alarm::Kind::mercy, vassal.name, generation->number});
  else if (!generation->ready)
    s_.set_alarm(now + config.start_timeout, {Alarm::Kind::start_timeout, vassal.name, generation->number});
  // It ended and the keeper's word about it was lost with the last emperor: do not wait for ever.
  if (generation->pidfd.ended())
    s_.set_alarm(now + 200ms, {Alarm::Kind::lost, vassal.name, generation->number});
}

}  // namespace emperor
