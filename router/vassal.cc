#include "router/vassal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "router/transfer.h"

namespace router {

using namespace std::chrono_literals;

namespace {

// EPOLLOUT comes only after most of a full channel was taken: look again by the clock.
constexpr base::Duration kRetry = 5ms;
constexpr base::Duration kRetryWhileMoving = 1ms;
// What has expired on the belt may lie behind what another router sent and has not.
constexpr base::Duration kLookAgain = 20ms;

}  // namespace

void Vassal::set_limits(const VassalLimits& limits) {
  limits_ = limits;
  const bool shares = limits.concurrency_max != 0 || limits.bandwidth_max != 0;
  if (shares && !share_) share_ = std::make_shared<Share>();
  if (share_)
    share_->set_limits({.most_running = limits.concurrency_max,
                        .most_waiting = limits.queue_max,
                        .patience = limits.queue_timeout,
                        .bandwidth = limits.bandwidth_max});
}

void Vassal::set_state(VassalState state, unsigned retry_after) {
  state_ = state;
  retry_after_ = retry_after;
  back_at_ = state == VassalState::backoff
                 ? base::Clock::now() + std::chrono::seconds(retry_after)
                 : base::Instant{};
  if (state == VassalState::stopped) dismiss_all(refusals::kStopped);
}

void Vassal::set_channel(HandoffChannel channel) {
  if (channel_ && channel_.same_as(channel)) {
    // Who sends it may be an emperor that never heard it.
    if (spoiled_) events_.spoiled(id_);
    return;
  }
  take_all_back();
  channel_ = std::move(channel);
  spoiled_ = false;
  move_on();
}

std::optional<Refusal> Vassal::turns_away(base::Deadline deadline) {
  const bool stopped = state_ == VassalState::stopped;
  // Nobody waits for a start that comes after he has given up.
  const bool too_late = state_ == VassalState::backoff && deadline.passed(back_at_);
  if (!stopped && !too_late) return std::nullopt;
  ++figures_.refused;
  return with_retry(stopped ? refusals::kStopped : refusals::kDoesNotStart);
}

std::optional<Refusal> Vassal::offer(const wire::HandoffHeader& header,
                                     std::string_view payload,
                                     base::Fd& connection) {
  if (auto refusal = turns_away(header.deadline)) return refusal;
  if (line_.empty()) {
    switch (put_on_belt(header, payload, connection.get())) {
      case HandoffChannel::Sent::yes:
        connection.reset();
        return std::nullopt;
      case HandoffChannel::Sent::too_large:
        return refusals::kHeadTooLarge;
      case HandoffChannel::Sent::full:
      case HandoffChannel::Sent::spoiled:
        break;
    }
  }
  if (!line_.has_room(payload.size(), limits_.queue_max)) {
    ++figures_.refused;
    return with_retry(refusals::kQueueFull);
  }
  line_.push({header, std::string(payload), std::move(connection)});
  if (!channel_ && !std::exchange(asked_, true)) events_.wanted(id_);
  move_on();
  return std::nullopt;
}

bool Vassal::has_room_on_belt() {
  if (!channel_ || spoiled_) return false;
  if (belt_.full()) belt_.settle(channel_.unread());
  return !belt_.full();
}

HandoffChannel::Sent Vassal::put_on_belt(const wire::HandoffHeader& header,
                                         std::string_view payload,
                                         int connection) {
  using enum HandoffChannel::Sent;
  if (!has_room_on_belt()) return full;
  const auto sent = channel_.send(header, payload, connection);
  if (sent == yes) {
    ++figures_.requests;
    belt_.push(payload.size(), header.deadline);
  } else if (sent == spoiled) {
    spoiled_ = true;
    events_.spoiled(id_);
  }
  return sent;
}

void Vassal::move_on() {
  moving_ = false;
  while (!line_.empty()) {
    const Parcel& next = line_.front();
    if (has_hung_up(next.connection.get())) {
      static_cast<void>(line_.pop());
      continue;
    }
    switch (put_on_belt(next.header, next.payload, next.connection.get())) {
      case HandoffChannel::Sent::yes:
        moving_ = true;
        events_.moved_on(id_, line_.pop());
        break;
      case HandoffChannel::Sent::too_large:
        events_.dismiss(id_, line_.pop(), refusals::kHeadTooLarge);
        break;
      case HandoffChannel::Sent::full:
      case HandoffChannel::Sent::spoiled:
        return;
    }
  }
}

void Vassal::sweep(base::Instant now) {
  expire_line(now);
  expire_belt(now);
  if (!channel_ && !line_.empty()) events_.wanted(id_);
  move_on();
}

void Vassal::expire_line(base::Instant now) {
  while (auto parcel = line_.pop_expired(now))
    expire(*std::move(parcel));
}

void Vassal::expire_belt(base::Instant now) {
  if (!belt_.oldest().passed(now)) return;
  belt_.settle(channel_.unread());
  for (size_t looks = 0; looks < 2 * Belt::kMost; ++looks) {
    const auto deadline = channel_.next_deadline();
    if (!deadline || !deadline->passed(now)) break;
    auto parcel = channel_.take_back();
    if (!parcel) continue;  // a worker was faster, or it was not a request
    if (parcel->header.deadline.passed(now))
      expire(*std::move(parcel));
    else
      line_.push_front(std::move(*parcel));  // a worker took the one that was looked at
  }
  belt_.settle(channel_.unread());
}

void Vassal::expire(Parcel parcel) {
  ++figures_.expired;
  events_.dismiss(id_, std::move(parcel), with_retry(refusals::kExpired));
}

base::Deadline Vassal::next_sweep(base::Instant now) const {
  base::Instant due = std::max(belt_.oldest().at(), now + kLookAgain);
  if (belt_.count() == 0) due = base::Instant::max();
  if (!line_.empty()) {
    const auto retry = spoiled_ || !channel_ ? base::Clock::duration(1s)
                       : moving_             ? kRetryWhileMoving
                                             : kRetry;
    due = std::min(due, now + retry);
  }
  return base::Deadline(due);
}

void Vassal::take_all_back() {
  if (!channel_) return;
  std::vector<Parcel> taken;
  while (auto parcel = channel_.take_back())
    taken.push_back(std::move(*parcel));
  for (; !taken.empty(); taken.pop_back())
    line_.push_front(std::move(taken.back()));
  belt_.clear();
}

void Vassal::dismiss_all(const Refusal& refusal) {
  take_all_back();
  dismiss_parked(refusal);
}

void Vassal::dismiss_parked(const Refusal& refusal) {
  if (share_) share_->dismiss(with_retry(refusal));
  while (!line_.empty())
    events_.dismiss(id_, line_.pop(), with_retry(refusal));
}

Refusal Vassal::with_retry(Refusal refusal) const {
  if (retry_after_ != 0) refusal.retry_after = retry_after_;
  return refusal;
}

}  // namespace router
