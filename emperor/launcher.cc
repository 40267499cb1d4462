#include "emperor/launcher.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/files.h"
#include "base/wire/lifeline.h"
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

std::string held_name(std::string_view kind,
                      std::string_view vassal,
                      std::string_view what) {
  std::string name(kind);
  name.append("\n").append(vassal).append("\n").append(what);
  return name;
}

Launcher::Launcher(Services services) : s_(std::move(services)) {
  // One more than there are CPUs: each start waits a little (for its exec, for our
  // answer), and another one uses that time.
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  slots_ = s_.options.start_slots > 0 ? s_.options.start_slots : cpus + 1;
}

Launcher::Gen Launcher::find(const std::string& vassal, uint64_t generation) const {
  Vassal* v = s_.roster.find(vassal);
  if (v == nullptr) return nullptr;
  const auto found = v->generations.find(generation);
  return found == v->generations.end() ? nullptr : found->second;
}

// ---- the queue of starts
// ----------------------------------------------------------------------

void Launcher::start(Vassal& vassal, uint64_t number, Urgency urgency) {
  auto generation = std::make_shared<Generation>();
  generation->number = number;
  generation->configuration = vassal.configuration;
  generation->began = base::Clock::now();
  vassal.generations[number] = generation;
  auto& queue = urgency == Urgency::somebody_waits ? urgent_
                : urgency == Urgency::wave         ? wave_
                                                   : queue_;
  queue.push_back({vassal.name, number});
  pump();
}

void Launcher::pump() {
  while (slots_used_ < slots_ && anybody_waits()) {
    auto& queue = !urgent_.empty() ? urgent_ : !queue_.empty() ? queue_ : wave_;
    const Queued next = std::move(queue.front());
    queue.pop_front();
    const Gen generation = find(next.vassal, next.generation);
    if (!generation || generation->over) continue;
    generation->holds_slot = true;
    generation->launching = true;
    generation->began = base::Clock::now();
    ++slots_used_;
    starters_.push_back(next);
    s_.tasks.spawn(launch(this, next.vassal, generation));
  }
  if (anybody_waits() && !slot_alarm_set_) {
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
    const bool sleeps =
        generation->cpu_seen > 0 && cpu < generation->cpu_seen + kWorkingNs;
    generation->cpu_seen = cpu;
    if (sleeps || base::Clock::now() - generation->began > kSlotTime)
      free_slot(*generation);
  }
  pump();
}

// ---- what generations say
// ---------------------------------------------------------------------

uvx::Task<void> Launcher::listen_to(Launcher* self,
                                    std::string name,
                                    Gen generation,
                                    std::shared_ptr<MessageChannel> lifeline) {
  for (;;) {
    auto incoming = co_await lifeline->receive();
    if (!incoming) break;
    Vassal* vassal = self->s_.roster.find(name);
    if (vassal != nullptr) self->heard(*vassal, generation, incoming->message);
  }
  lifeline->close();
}

void Launcher::watch(const Vassal& vassal, const Gen& generation) {
  if (!std::exchange(generation->watched, true) && !generation->exited)
    s_.tasks.spawn(watch_end(this, vassal.name, generation));
}

void Launcher::watch_everybody() {
  for (const auto& [name, vassal] : s_.roster.all())
    for (const auto& [number, generation] : vassal->generations)
      if (generation->pidfd) watch(*vassal, generation);
}

uvx::Task<void> Launcher::watch_end(Launcher* self, std::string name, Gen generation) {
  // One that has ended already is reported from the top of the loop, too: who watches it
  // still holds its vassal.
  co_await self->s_.loop.yield();
  const base::Pidfd& process = generation->pidfd;
  {
    uvx::Poll poll(self->s_.loop, process.fd());
    generation->end_watch = &poll;
    while (!process.ended())
      if (!co_await poll.readable()) break;
    generation->end_watch = nullptr;
  }
  if (!process.ended()) co_return;
  // Between being a zombie and being reaped the kernel may not tell.
  auto how = process.ended_how();
  for (int look = 0; !how && look < 20; ++look) {
    (void)co_await self->s_.loop.sleep_for(5ms);
    how = process.ended_how();
  }
  Vassal* vassal = self->s_.roster.find(name);
  if (vassal == nullptr || generation->exited) co_return;
  self->first_process_ended(
      *vassal, generation,
      how ? how_ended(*how) : Ended{DeathKind::unseen, "nobody was there to see how"});
}

void Launcher::heard(Vassal& vassal,
                     const Gen& generation,
                     const wire::Message& message) {
  if (message.verb == verbs::kReady && !generation->ready && !generation->over)
    became_ready(vassal, generation);
  else if (message.verb == verbs::kHeartbeat)
    heard_heartbeat(vassal, generation);
  else if (message.verb == verbs::kFailed && generation->failure.empty()) {
    generation->failure = base::printable(message.get("reason"), 500);
    generation->death = DeathKind::application;
  } else if (message.verb == verbs::kReloadMe && !generation->over)
    s_.reports.on_reload_asked(vassal, generation->number,
                               base::printable(message.get("reason"), 200));
  else if (message.verb == verbs::kIdle && generation->ready && !generation->over)
    s_.reports.on_idle(vassal, generation->number);
  else if (message.verb == verbs::kRotateLog || message.verb == verbs::kReopenLog)
    s_.logger.refresh(vassal.name, message.verb == verbs::kRotateLog);
  else if (message.verb == verbs::kWorkerDied && may_tell(*generation))
    s_.log.info("vassal {}: worker died generation={} worker={} reason=\"{}\"",
                vassal.name, generation->number,
                base::printable(message.get("worker"), 16),
                base::printable(message.get("reason"), 200));
}

/// The first one asks to be missed from then on, as in uWSGI.
void Launcher::heard_heartbeat(Vassal& vassal, const Gen& generation) {
  const auto now = base::Clock::now();
  if (!std::exchange(generation->last_beat, now))
    s_.set_alarm(now + s_.options.required_heartbeat,
                 {Alarm::Kind::heartbeat, vassal.name, generation->number});
}

void Launcher::miss_heartbeat(Vassal& vassal, const Gen& generation) {
  const auto last = generation->last_beat;
  if (generation->over || generation->exited || !last) return;
  const auto due = *last + s_.options.required_heartbeat;
  if (due > base::Clock::now()) {
    s_.set_alarm(due, {Alarm::Kind::heartbeat, vassal.name, generation->number});
    return;
  }
  generation->failure = fmt::format("no heartbeat for {} s (emperor-required-heartbeat)",
                                    s_.options.required_heartbeat.count());
  generation->death = DeathKind::silent;
  kill(vassal, generation->number);
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
    for (const pid_t pid : *processes)
      (void)vassal::set_oom_score_adj(pid, 0);
  s_.log.info("vassal {}: ready generation={} took={}ms", vassal.name, generation->number,
              (base::Clock::now() - generation->began) / 1ms);
  s_.reports.on_ready(vassal, generation->number);
}

// ---- the end of a generation
// ------------------------------------------------------------------

/// The tenant decides how long a reload of its own may take, but not how long it stays
/// when its file is gone.
base::Duration Launcher::mercy_for(const Vassal& vassal,
                                   const Generation& generation) const {
  const std::chrono::seconds own = generation.configuration->config.reload_mercy;
  return vassal.life.removed() ? std::min(own, s_.options.mercy_max) : own;
}

void Launcher::drain(Vassal& vassal, uint64_t number) {
  const Gen generation = find(vassal.name, number);
  if (!generation || generation->over) return;
  generation->over = true;
  wire::Message order{verbs::kDrain, {}};
  // Whoever it told where it is goes on asking there, if somebody else serves there.
  const bool replaced = std::ranges::any_of(vassal.generations, [&](const auto& other) {
    return other.first > number && other.second->ready && !other.second->over;
  });
  if (replaced) order.set("replaced", "1");
  if (generation->lifeline) generation->lifeline->send(order);
  s_.set_alarm(base::Clock::now() + mercy_for(vassal, *generation),
               {Alarm::Kind::mercy, vassal.name, number});
  s_.log.info("vassal {}: drains generation={}", vassal.name, number);
}

void Launcher::kill(Vassal& vassal, uint64_t number) {
  const Gen generation = find(vassal.name, number);
  if (!generation) return;
  generation->over = true;
  if (generation->pidfd) {
    (void)generation->pidfd.signal(SIGKILL);
    (void)generation->leaf.kill();
    // Whoever cannot be killed at once (it hangs in the kernel) is tried again, ever less
    // often.
    const auto wait = 20ms * (int64_t{1} << std::min(generation->kills++, 6U));
    s_.set_alarm(base::Clock::now() + wait, {Alarm::Kind::gone, vassal.name, number});
  } else if (!generation->launching) {
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
  if (const Gen now = find(name, number); now && now->pidfd && !now->pidfd.ended())
    return true;
  s_.roster.processes.erase(owner);
  Vassal* vassal = s_.roster.find(name);
  const Gen generation = find(name, number);
  if (vassal != nullptr && generation)
    first_process_ended(*vassal, generation, how_ended(status));
  return true;
}

Launcher::Ended Launcher::how_ended(base::ExitStatus status) {
  if (status.success()) return {DeathKind::on_purpose, status.describe()};
  const bool exited = status.kind == base::ExitStatus::Kind::exited;
  return {exited ? DeathKind::exited : DeathKind::signalled, status.describe()};
}

void Launcher::first_process_ended(Vassal& vassal,
                                   const Gen& generation,
                                   const Ended& ended) {
  generation->exited = true;
  s_.roster.processes.erase(generation->pidfd.pid());
  const uint64_t oom_kills = generation->leaf.oom_kills();
  if (oom_kills > 0) vassal.oom_kills += oom_kills;
  if (generation->failure.empty()) {
    generation->failure = generation->ready ? "ended: " + ended.how
                                            : "ended before it was ready: " + ended.how;
    generation->death = ended.kind;
    if (ended.kind == DeathKind::on_purpose && !generation->ready)
      generation->death = DeathKind::exited;
    if (oom_kills > 0) {
      generation->death = DeathKind::out_of_memory;
      generation->failure +=
          fmt::format(", out of memory ({} killed by its own memory-max)", oom_kills);
    }
  }
  if (!s_.tree.active())
    ::kill(-generation->pidfd.pid(), SIGKILL);  // its session, as far as it goes
  free_slot(*generation);
  sweep(vassal, generation);
}

/// Ends what is left in the leaf, removes it, and says so; or comes back soon.
void Launcher::sweep(Vassal& vassal, const Gen& generation) {
  if (generation->pidfd && !generation->exited) return;
  if (!vassal.generations.contains(generation->number)) return;
  if (find(vassal.name, generation->number) != generation)
    return;  // that was said before
  if (!generation->leaf.text().empty()) {
    vassal.group.keep_counts_of(generation->leaf);
    auto removed = generation->leaf.try_remove();
    if (removed && *removed == cgroups::Removal::populated) {
      (void)generation->leaf.kill();
      removed = generation->leaf.try_remove();
    }
    if (removed && *removed == cgroups::Removal::populated) {
      const auto wait = std::min<base::Duration>(
          1ms * (int64_t{2} << std::min(generation->looks++, 9U)), 1s);
      s_.set_alarm(base::Clock::now() + wait,
                   {Alarm::Kind::gone, vassal.name, generation->number});
      return;
    }
    if (!removed) s_.log.warn("vassal {}: {}", vassal.name, removed.error().message());
  }
  const std::string number = std::to_string(generation->number);
  for (const char* kind : {"lifeline", "scoreboard", "pidfd"})
    s_.keeper.release(held_name(kind, vassal.name, number));
  if (generation->lifeline) generation->lifeline->close();
  add_counts(generation->scoreboard.totals(), &vassal.before);
  vassal.generations.erase(generation->number);
  s_.reports.on_gone(vassal, *generation);
}

void Launcher::on_alarm(const Alarm& alarm) {
  if (alarm.kind == Alarm::Kind::slot) return look_at_slots();
  Vassal* vassal = s_.roster.find(alarm.vassal);
  const Gen generation = find(alarm.vassal, alarm.generation);
  if (vassal == nullptr || !generation) return;
  if (alarm.kind == Alarm::Kind::start_timeout && !generation->ready &&
      !generation->over) {
    generation->failure =
        fmt::format("not ready after {} s (start-timeout)",
                    generation->configuration->config.start_timeout.count());
    generation->death = DeathKind::too_slow;
    free_slot(*generation);
    s_.reports.on_failed(*vassal, *generation);
  } else if (alarm.kind == Alarm::Kind::mercy) {
    s_.log.warn("vassal {}: killed, still busy after reload-mercy generation={}",
                alarm.vassal, alarm.generation);
    kill(*vassal, alarm.generation);
  } else if (alarm.kind == Alarm::Kind::lost && !generation->exited) {
    first_process_ended(*vassal, generation,
                        {DeathKind::unseen, "while no emperor was there"});
  } else if (alarm.kind == Alarm::Kind::heartbeat) {
    miss_heartbeat(*vassal, generation);
  } else if (alarm.kind == Alarm::Kind::gone) {
    if (generation->exited || !generation->pidfd)
      sweep(*vassal, generation);
    else
      kill(*vassal, alarm.generation);
  }
}

void Launcher::adopt(Vassal& vassal, const Gen& generation, base::Fd lifeline) {
  const auto now = base::Clock::now();
  s_.roster.processes[generation->pidfd.pid()] = {vassal.name, generation->number};
  vassal.generations[generation->number] = generation;
  generation->began = now;
  if (lifeline) {
    generation->lifeline =
        std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(lifeline));
    s_.tasks.spawn(listen_to(this, vassal.name, generation, generation->lifeline));
  }
  const auto& config = generation->configuration->config;
  if (generation->over)
    s_.set_alarm(now + mercy_for(vassal, *generation),
                 {Alarm::Kind::mercy, vassal.name, generation->number});
  else if (!generation->ready)
    s_.set_alarm(now + config.start_timeout,
                 {Alarm::Kind::start_timeout, vassal.name, generation->number});
  if (!s_.keeper.reaps(generation->pidfd.pid())) {
    watch(vassal, generation);
  } else if (generation->pidfd.ended()) {
    // The keeper's word about it follows, unless an emperor died with it: do not wait for
    // ever.
    s_.set_alarm(now + 200ms, {Alarm::Kind::lost, vassal.name, generation->number});
  }
}

bool Launcher::missed_ready(const Generation& generation) const {
  return !generation.ready && !generation.over && generation.pidfd &&
         !generation.pidfd.ended() && generation.scoreboard.says_ready();
}

void Launcher::make_ready(Vassal& vassal, uint64_t number) {
  if (const Gen generation = find(vassal.name, number)) became_ready(vassal, generation);
}

void Launcher::let_go(Vassal& vassal) {
  for (const auto& [number, generation] : vassal.generations) {
    if (generation->lifeline) generation->lifeline->close();
    if (generation->end_watch != nullptr) generation->end_watch->close();
  }
}

}  // namespace emperor
