#include "router/share.h"

#include <algorithm>

#include "router/transfer.h"

namespace router {

namespace {
/// Who waits for bandwidth looks so often whether there is still reason to.
constexpr base::Duration kLook = std::chrono::seconds(1);
}  // namespace

void Share::set_limits(const Limits& limits) {
  limits_ = limits;
  bandwidth_.set_rate(lifted_ ? 0 : limits.bandwidth);
  let_in();
}

uvx::Task<std::expected<Share::Turn, Refusal>> Share::take_turn(
    std::shared_ptr<Share> share, uvx::Loop& loop) {
  if (!share) co_return Turn(nullptr);
  if (share->line_.empty() && share->has_room()) {
    ++share->running_;
    co_return Turn(std::move(share));
  }
  if (share->line_.size() >= share->limits_.most_waiting)
    co_return std::unexpected(refusals::kTooManyAtOnce);
  Waiter waiter(loop);
  share->line_.push_back(&waiter);
  static_cast<void>(
      co_await waiter.timer.sleep_until(base::Deadline::in(share->limits_.patience)));
  if (waiter.granted) co_return Turn(std::move(share));
  std::erase(share->line_, &waiter);
  co_return std::unexpected(waiter.refusal.value_or(refusals::kExpired));
}

void Share::leave() {
  --running_;
  let_in();
}

void Share::let_in() {
  while (!line_.empty() && has_room()) {
    Waiter* next = line_.front();
    line_.pop_front();
    ++running_;
    next->granted = true;
    next->timer.cancel();
  }
}

void Share::dismiss(const Refusal& refusal) {
  for (Waiter* waiter : std::exchange(line_, {})) {
    waiter->refusal = refusal;
    waiter->timer.cancel();
  }
}

uvx::Task<bool> Share::pay(std::shared_ptr<Share> share,
                           uvx::Loop& loop,
                           size_t bytes,
                           int client) {
  const auto begun = base::Clock::now();
  const auto until = begun + share->bandwidth_.spend(bytes, begun);
  for (auto now = begun; now < until && share->bandwidth_.limited();
       now = base::Clock::now()) {
    static_cast<void>(co_await loop.sleep_for(std::min(until - now, kLook)));
    if (has_hung_up(client)) co_return false;
  }
  co_return true;
}

void Share::lift_bandwidth() {
  lifted_ = true;
  bandwidth_.set_rate(0);
}

}  // namespace router
