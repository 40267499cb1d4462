// The emperor's lives: events in, orders carried out, routes and claims kept right.
#include <algorithm>

#include "emperor/emperor.h"
#include "vassal/sockets.h"

namespace emperor {

using namespace std::chrono_literals;

namespace {
/// What a vassal said at its end is on its way to the logger.
constexpr auto kLastWords = 50ms;

std::optional<vassal::RelayTarget> relay_of(const Vassal& vassal) {
  const Configuration* serving = serving_configuration(vassal);
  return serving == nullptr ? std::nullopt : vassal::relay_target(serving->config);
}
}  // namespace

void Emperor::happen(Vassal& vassal, Event event) {
  const State before = vassal.life.state();
  carry_out(vassal, vassal.life.on(event, base::Clock::now(), random()), before);
}

Launcher::Urgency Emperor::urgency_of(const Order& order) const {
  if (order.urgent) return Launcher::Urgency::somebody_waits;
  return wave_ ? Launcher::Urgency::wave : Launcher::Urgency::normal;
}

/// `vassal` may be forgotten afterwards.
void Emperor::carry_out(Vassal& vassal, const std::vector<Order>& orders, State before) {
  const State after = vassal.life.state();
  settle_claims(vassal);
  if (before != after) {
    log_.debug("vassal {}: {} -> {}", vassal.name, name_of(before), name_of(after));
    router_.state_changed(vassal.id);
  }
  settle_sleep(vassal, before);
  bool forgotten = false;
  for (const Order& order : orders) {
    switch (order.kind) {
      case Order::Kind::start:
        give_channel(vassal);
        launcher_.start(vassal, order.generation, urgency_of(order));
        break;
      case Order::Kind::drain:
        launcher_.drain(vassal, order.generation);
        break;
      case Order::Kind::kill:
        launcher_.kill(vassal, order.generation);
        break;
      case Order::Kind::wait:
        set_alarm(base::Clock::now() + order.wait, {Alarm::Kind::due, vassal.name});
        if (order.wait > 0ms)
          log_.info("vassal {}: backs off restarts={} next_start_in={}ms", vassal.name,
                    vassal.life.restarts(), order.wait / 1ms);
        break;
      case Order::Kind::forget:
        forgotten = true;
        break;
    }
  }
  if (forgotten)
    forget(vassal);
  else
    on_changed(vassal);
}

/// A fresh snapshot for the keeper, who is the only one to hold it.
void Emperor::on_changed(const Vassal& vassal) {
  const auto known = roster_.files.find(vassal.path);
  const Known nothing{};
  Snapshot snapshot =
      take_snapshot(vassal, known == roster_.files.end() ? nothing : known->second);
  snapshot.rules = rules_;
  const std::string bytes = encode_snapshot(snapshot);
  const auto memfd = base::make_memfd("snapshot");
  if (!memfd || !base::write_all(memfd->get(), bytes)) {
    log_.error("vassal {}: cannot be remembered for the next emperor", vassal.name);
    return;
  }
  keeper_.hold(held_name("vassal", vassal.name, ""), memfd->get());
}

void Emperor::forget(Vassal& vassal) {
  log_.info("vassal {}: gone", vassal.name);
  router_.removed(vassal.id);
  launcher_.give_back(vassal);
  keeper_.release(held_name("vassal", vassal.name, ""));
  if (const auto name = names_.find(vassal.path);
      name != names_.end() && name->second == vassal.name)
    names_.erase(name);
  roster_.erase(vassal.name);
  remove_logs_later();
  changed_.set();
}

void Emperor::on_ready(Vassal& vassal, uint64_t generation) {
  const State before = vassal.life.state();
  const auto reached = relay_of(vassal);
  const auto orders = vassal.life.on_ready(generation, base::Clock::now());
  if (vassal.last_error != vassal.file_error && vassal.life.current() == generation &&
      before == State::reloading)
    vassal.last_error = vassal.file_error;
  carry_out(vassal, orders, before);
  launcher_.trim_sockets(vassal);
  if (relay_of(vassal) != reached) router_.vassal_changed(vassal.id);
  for (const auto& refusal : claims_.refused(vassal.name))
    log_.warn("vassal {}: domain {} is held by vassal {} ({})", vassal.name, refusal.host,
              refusal.holder, refusal.holder_file);
}

void Emperor::on_failed(Vassal& vassal, const Generation& generation) {
  log_.warn("vassal {}: failed generation={} reason=\"{}\"", vassal.name,
            generation.number, generation.failure);
  vassal.last_error = generation.failure;
  remember_death(vassal, generation);
  const State before = vassal.life.state();
  carry_out(vassal,
            vassal.life.on_failed(generation.number, base::Clock::now(), random()),
            before);
}

void Emperor::on_gone(Vassal& vassal, const Generation& generation) {
  const State before = vassal.life.state();
  const uint64_t number = generation.number;
  const bool serving = vassal.life.current() == number;
  const auto end = serving && generation.death == DeathKind::on_purpose ? End::on_purpose
                                                                        : End::crashed;
  if (vassal.life.leaving().contains(number)) {
    log_.info("vassal {}: generation gone generation={}", vassal.name, number);
  } else if (end == End::on_purpose) {
    log_.info("vassal {}: ended of its own will generation={}", vassal.name, number);
    remember_death(vassal, generation);
  } else {
    vassal.last_error = generation.failure;
    log_.warn("vassal {}: died generation={} reason=\"{}\"", vassal.name, number,
              generation.failure);
    remember_death(vassal, generation);
  }
  carry_out(vassal, vassal.life.on_gone(number, end, base::Clock::now(), random()),
            before);
  changed_.set();
}

void Emperor::remember_death(Vassal& vassal, const Generation& generation) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  vassal.history.add({now, generation.number, generation.death, generation.failure, ""});
  // A log that the file names is the tenant's: root does not open it.
  if (generation.configuration && generation.configuration->config.logto.empty())
    set_alarm(base::Clock::now() + kLastWords,
              {Alarm::Kind::last_words, vassal.name, generation.number});
}

void Emperor::read_last_words(Vassal& vassal, uint64_t generation) {
  vassal.history.set_log(generation, read_last_lines(logger_.own_path(vassal.name)));
  on_changed(vassal);
}

/// The tenant made its channel unusable. Who does it again and again waits longer and
/// longer for a new one: each costs us a start.
void Emperor::on_spoiled(uint64_t id) {
  Vassal* vassal = roster_.find_id(id);
  if (vassal == nullptr || stopping_ || vassal->spoiled) return;
  const auto now = base::Clock::now();
  const auto wait = vassal->spoils.failed(now - vassal->channel_since, random());
  log_.warn("vassal {}: its handoff channel was spoiled new_one_in={}ms", vassal->name,
            wait / 1ms);
  vassal->spoiled = true;
  set_alarm(now + wait, {Alarm::Kind::spoiled, vassal->name});
}

/// A fresh channel for the router, and a fresh generation, since the one that runs holds
/// the old end.
void Emperor::renew_channel(Vassal& vassal) {
  if (stopping_ || !std::exchange(vassal.spoiled, false)) return;
  vassal.channel_since = base::Clock::now();
  const bool asleep = vassal.life.state() == State::asleep;
  if (asleep) leave_door(vassal);
  if (auto made = launcher_.make_channel(vassal); !made) {
    log_.error("vassal {}: {}", vassal.name, made.error().message());
    vassal.spoiled = true;  // the router says it once only
    set_alarm(vassal.channel_since + 1s, {Alarm::Kind::spoiled, vassal.name});
    return;
  }
  if (asleep) listen_at_door(vassal);
  router_.vassal_changed(vassal.id);
  happen(vassal, Event::reload);
}

/// A vassal may ask as often as it likes; it gets a generation every other second.
void Emperor::on_reload_asked(Vassal& vassal,
                              uint64_t generation,
                              const std::string& why) {
  constexpr auto kBetween = 2s;
  const bool known =
      vassal.life.current() == generation || vassal.life.next() == generation;
  if (!known || stopping_ || std::exchange(vassal.reload_asked, true)) return;
  log_.info("vassal {}: asks for a reload generation={} reason=\"{}\"", vassal.name,
            generation, why);
  const auto now = base::Clock::now();
  set_alarm(std::max(now, vassal.reload_asked_at + kBetween),
            {Alarm::Kind::reload, vassal.name});
}

void Emperor::carry_out_asked(Vassal& vassal) {
  if (stopping_ || !std::exchange(vassal.reload_asked, false)) return;
  // One that asked and died waits like everybody who dies.
  const State state = vassal.life.state();
  if (state != State::ready && state != State::reloading) return;
  vassal.reload_asked_at = base::Clock::now();
  happen(vassal, Event::reload);
}

/// In a wave: the launcher's slots say how many at once, and whoever else starts comes
/// first.
void Emperor::reload_all() {
  if (stopping_) return;
  reread_domain_list();
  log_.info("emperor: reloads every vassal vassals={}", roster_.size());
  wave_ = true;
  for (const auto& [name, vassal] : roster_.all())
    happen(*vassal, Event::reload);
  wave_ = false;
}

}  // namespace emperor
