#include "emperor/life.h"

#include <utility>

namespace emperor {

std::vector<Order> Life::on(Event event, base::Instant now, double random) {
  std::vector<Order> orders;
  if (!is_heard(event)) return orders;
  if (event == Event::removed) removed_ = true;
  if (event == Event::stop) stopped_ = true;
  if (event == Event::start) stopped_ = false;
  const bool is_change = event == Event::changed || event == Event::changed_lazy;
  if (is_change || event == Event::broken) removed_ = false;
  if (is_change && stopped_) return orders;
  take(event, now, random, &orders);
  finish_if_gone(now, &orders);
  if (event == Event::request)
    for (Order& order : orders)
      order.urgent = true;
  return orders;
}

std::vector<Order> Life::on_due(Lazy lazy, base::Instant now) {
  std::vector<Order> orders;
  if (state_ != State::backoff || now < due_at_) return orders;
  // One that had been serving comes back at once; who failed to start is not tried again
  // and again while nobody wants it.
  const bool at_once = backoff_.failures() <= 1 && served_ > base::Duration::zero();
  const bool waits = rests_ || (lazy == Lazy::yes && !at_once);
  take(waits ? Event::due_lazy : Event::due, now, 0.5, &orders);
  return orders;
}

/// Whose file is gone comes back by a file only, whatever the operator or its own channel
/// says while it drains; what the operator stopped stays stopped, while it drains too.
bool Life::is_heard(Event event) const {
  if (event == Event::start) return !removed_;
  if (event == Event::reload) return !removed_ && !stopped_;
  return true;
}

std::vector<Order> Life::on_ready(uint64_t g, base::Instant now) {
  std::vector<Order> orders;
  if (next_ == g) take(Event::up, now, 0.5, &orders);
  return orders;
}

std::vector<Order> Life::on_failed(uint64_t g, base::Instant now, double random) {
  std::vector<Order> orders;
  if (next_ != g) return orders;
  served_ = {};
  ++restarts_;
  take(Event::failed, now, random, &orders);
  finish_if_gone(now, &orders);
  return orders;
}

std::vector<Order> Life::on_gone(uint64_t g, End end, base::Instant now, double random) {
  std::vector<Order> orders;
  if (next_ == g) {
    next_.reset();
    served_ = {};
    ++restarts_;
    take(Event::failed, now, random, &orders);
  } else if (current_ == g) {
    current_.reset();
    served_ = now - current_since_;
    if (end == End::crashed) ++restarts_;
    take(end == End::crashed ? Event::died : Event::left, now, random, &orders);
  } else {
    leaving_.erase(g);
  }
  finish_if_gone(now, &orders);
  return orders;
}

void Life::take(Event event,
                base::Instant now,
                double random,
                std::vector<Order>* orders) {
  const Step& s = step(state_, event);
  state_ = s.next;
  for (const Action action : {s.first, s.second, s.third})
    act(action, now, random, orders);
}

void Life::act(Action action,
               base::Instant now,
               double random,
               std::vector<Order>* orders) {
  switch (action) {
    case Action::none:
      return;
    case Action::start:
      next_ = ++newest_;
      orders->push_back({Order::Kind::start, newest_});
      return;
    case Action::drop_next:
      leave(next_, Order::Kind::kill, orders);
      return;
    case Action::drain_current:
      leave(current_, Order::Kind::drain, orders);
      return;
    case Action::promote:
      leave(current_, Order::Kind::drain, orders);
      current_ = std::exchange(next_, std::nullopt);
      current_since_ = now;
      return;
    case Action::arm:
    case Action::arm_rest: {
      rests_ = action == Action::arm_rest;
      const auto wait = backoff_.failed(served_, random);
      due_at_ = now + wait;
      orders->push_back({Order::Kind::wait, 0, wait});
      return;
    }
    case Action::forgive:
      backoff_.reset();
      return;
  }
}

void Life::leave(std::optional<uint64_t>& who,
                 Order::Kind how,
                 std::vector<Order>* orders) {
  if (!who) return;
  leaving_.insert(*who);
  orders->push_back({how, *who});
  who.reset();
}

void Life::finish_if_gone(base::Instant now, std::vector<Order>* orders) {
  const bool empty = !current_ && !next_ && leaving_.empty();
  if (state_ == State::draining && empty) {
    take(Event::gone, now, 0.5, orders);
    // Its file came back while it drained, and cannot be used: nobody stopped it.
    if (!removed_ && !stopped_) state_ = State::rejected;
  }
  if (state_ == State::stopped && removed_ && empty)
    orders->push_back({Order::Kind::forget});
}

LifeSummary Life::summary() const {
  return {state_,   newest_,  current_,
          next_,    leaving_, restarts_,
          removed_, stopped_, backoff_.failures(),
          rests_,   due_at_};
}

void Life::resume(const LifeSummary& summary, base::Instant now) {
  state_ = summary.state;
  newest_ = summary.newest;
  current_ = summary.current;
  next_ = summary.next;
  leaving_ = summary.leaving;
  restarts_ = summary.restarts;
  removed_ = summary.removed;
  stopped_ = summary.stopped;
  rests_ = summary.rests;
  backoff_.resume(summary.failures);
  current_since_ = now;
  due_at_ = summary.due_at;
}

}  // namespace emperor
