// The emperor's sleepers: who may sleep, who is put to sleep, and who is woken.
//
// A sleeper is its table entry and its descriptors at the doorbell. Whoever comes, by the
// router or to a socket of its own, makes one of them readable; the message or the
// connection stays where it is, for the generation that is started then.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "emperor/emperor.h"
#include "emperor/turn_away.h"

namespace emperor {

using namespace std::chrono_literals;

namespace {

/// While a generation still drains it may take what rang: look again after this.
constexpr auto kSecondLook = 20ms;
constexpr auto kTrySocketsAgain = 5s;

bool has_visitor(int listener) {
  pollfd watched{listener, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & POLLIN) != 0;
}

enum class Door { quiet, somebody, spoiled };

/// A tenant can shut its end of the channel down: it would ring for ever, and nobody is
/// there.
Door look_into(int channel) {
  char byte = 0;
  const ssize_t n = ::recv(channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n > 0) return Door::somebody;
  const bool empty = n < 0 && (errno == EAGAIN || errno == EINTR);
  return empty ? Door::quiet : Door::spoiled;
}

}  // namespace

Lazy Emperor::may_sleep(const Vassal& vassal) {
  if (!vassal.configuration) return Lazy::no;
  const auto& config = vassal.configuration->config;
  return config.start_lazy || config.idle > 0s ? Lazy::yes : Lazy::no;
}

/// What its new file means to a vassal: one that sleeps goes on sleeping if it may.
Event Emperor::change_of(const Vassal& vassal) {
  const bool lazy = vassal.configuration->config.start_lazy;
  const bool sleeps = vassal.life.state() == State::asleep;
  return lazy || (sleeps && may_sleep(vassal) == Lazy::yes) ? Event::changed_lazy
                                                            : Event::changed;
}

/// After every event.
void Emperor::settle_sleep(Vassal& vassal, State before) {
  const State now = vassal.life.state();
  if (now == State::asleep)
    listen_at_door(vassal);
  else if (vassal.watched)
    leave_door(vassal);
  if (now == State::ready && before != now) watch_idleness(vassal);
  if (now == State::backoff && before == State::starting) turn_visitors_away(vassal);
}

// ---- waking
// ------------------------------------------------------------------------------------

void Emperor::listen_at_door(Vassal& vassal) {
  if (vassal.life.leaving().empty()) {
    leave_door(vassal);  // before any of them is closed
    launcher_.trim_sockets(vassal);
  }
  vassal.watched = true;
  const auto watch = [&](int fd) {
    if (auto watched = doorbell_.watch(fd, vassal.id); !watched)
      log_.error("vassal {}: {}", vassal.name, watched.error().message());
  };
  if (vassal.channel_receive && !vassal.spoiled) watch(vassal.channel_receive.get());
  for (const auto& [address, socket] : vassal.sockets)
    watch(socket.fd.get());
  launcher_.open_sockets(vassal);
}

void Emperor::leave_door(Vassal& vassal) {
  vassal.watched = false;
  if (vassal.channel_receive) doorbell_.unwatch(vassal.channel_receive.get());
  for (const auto& [address, socket] : vassal.sockets)
    doorbell_.unwatch(socket.fd.get());
}

void Emperor::on_sockets(Vassal& vassal, const std::string& why) {
  if (stopping_ || vassal.life.state() != State::asleep) return;
  if (!why.empty() && vassal.last_error != why)
    log_.warn("vassal {}: {}", vassal.name, why);
  if (!why.empty()) {
    vassal.last_error = why;
    if (!std::exchange(vassal.sockets_alarm, true))
      set_alarm(base::Clock::now() + kTrySocketsAgain,
                {Alarm::Kind::sockets, vassal.name});
  }
  if (why.empty()) look_at_door(vassal);
  on_changed(vassal);
}

uvx::Task<void> Emperor::hear_knocks(Emperor* self) {
  for (;;) {
    const auto ids = co_await self->doorbell_.rung();
    if (!ids) break;
    for (const uint64_t id : *ids)
      if (Vassal* vassal = self->roster_.find_id(id)) self->look_at_door(*vassal);
    co_await self->loop_.yield();
  }
}

void Emperor::look_at_door(Vassal& vassal) {
  if (stopping_ || leaving_ || vassal.life.state() != State::asleep) return;
  auto channel = Door::quiet;
  if (vassal.channel_receive && !vassal.spoiled)
    channel = look_into(vassal.channel_receive.get());
  if (channel == Door::spoiled) on_spoiled(vassal.id);
  const auto at_socket = [](const auto& socket) {
    return has_visitor(socket.second.fd.get());
  };
  const bool second_look = std::exchange(vassal.second_look, false);
  if (channel != Door::somebody && std::ranges::none_of(vassal.sockets, at_socket))
    return listen_at_door(vassal);
  if (!vassal.life.leaving().empty() && !second_look) {
    vassal.second_look = true;
    set_alarm(base::Clock::now() + kSecondLook, {Alarm::Kind::knock, vassal.name});
    return;
  }
  log_.info("vassal {}: wakes", vassal.name);
  happen(vassal, Event::request);
}

/// Who never ran has no channel: thousands of lazy vassals need no descriptor. The router
/// keeps the first request until there is one.
void Emperor::on_wanted(uint64_t id) {
  Vassal* vassal = roster_.find_id(id);
  if (vassal == nullptr || stopping_ || leaving_ || !vassal->configuration) return;
  const bool had = static_cast<bool>(vassal->channel_send);
  if (!give_channel(*vassal)) return;
  if (had) router_.vassal_changed(id);  // that router has not heard of it
  if (vassal->life.state() == State::asleep) {
    log_.info("vassal {}: wakes", vassal->name);
    happen(*vassal, Event::request);
  } else if (!had && vassal->life.current()) {
    happen(*vassal, Event::reload);  // it runs without: there was none to be had
  }
}

/// False if there is none to be had.
bool Emperor::give_channel(Vassal& vassal) {
  if (vassal.channel_send) return true;
  if (auto made = launcher_.make_channel(vassal); !made) {
    log_.error("vassal {}: {}", vassal.name, made.error().message());
    return false;
  }
  router_.vassal_changed(vassal.id);
  return true;
}

/// Nobody waits in vain for a vassal that does not start; the router does the same with
/// what it holds.
void Emperor::turn_visitors_away(const Vassal& vassal) {
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(vassal.life.due_at() - base::Clock::now());
  const auto seconds = static_cast<unsigned>(std::max<int64_t>(1, left.count()));
  for (const auto& [address, socket] : vassal.sockets)
    if (auto listener = base::duplicate(socket.fd.get()))
      tasks_.spawn(turn_away(loop_, *std::move(listener), seconds));
}

// ---- falling asleep
// ----------------------------------------------------------------------------

void Emperor::on_idle(Vassal& vassal, uint64_t generation) {
  if (stopping_ || vassal.life.current() != generation) return;
  log_.info("vassal {}: falls asleep, it says it is idle", vassal.name);
  happen(vassal, Event::idle);
}

void Emperor::watch_idleness(Vassal& vassal) {
  const auto found = vassal.generations.find(vassal.life.generation());
  if (found == vassal.generations.end()) return;
  const auto& config = found->second->configuration->config;
  // Only our own workers count what they take.
  if (config.idle <= 0s || !config.command.empty()) return;
  const auto totals = found->second->scoreboard.totals();
  const auto now = base::Clock::now();
  vassal.activity = {totals.taken, totals.finished, now, now + config.idle};
  set_alarm(vassal.activity.look_at, {Alarm::Kind::idle, vassal.name});
}

void Emperor::ring_idle(Vassal& vassal) {
  const auto now = base::Clock::now();
  Activity& seen = vassal.activity;
  const auto found = vassal.generations.find(vassal.life.generation());
  if (stopping_ || leaving_ || vassal.life.state() != State::ready ||
      now < seen.look_at || found == vassal.generations.end())
    return;
  const auto idle = found->second->configuration->config.idle;
  if (idle <= 0s) return;
  const auto totals = found->second->scoreboard.totals();
  const bool quiet = totals.taken == seen.taken && totals.finished == seen.finished;
  if (quiet && totals.busy == 0) {
    log_.info("vassal {}: falls asleep idle={}s", vassal.name, idle / 1s);
    return happen(vassal, Event::idle);
  }
  const auto change = base::from_wire(totals.last_change_ns);
  const auto last = totals.busy > 0 ? now : std::clamp(change, seen.last, now);
  seen = {totals.taken, totals.finished, last, std::max(last + idle, now + 10ms)};
  set_alarm(seen.look_at, {Alarm::Kind::idle, vassal.name});
}

}  // namespace emperor
