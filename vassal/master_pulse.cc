#include "vassal/master_pulse.h"

#include <algorithm>
#include <utility>

namespace vassal {

namespace {
constexpr std::chrono::seconds kLook{1};
}  // namespace

void Pulse::start(std::chrono::seconds heartbeat, bool loyalty, base::Instant now) {
  interval_ = heartbeat;
  if (interval_.count() > 0) beat_at_ = now;
  if (loyalty) loyalty_at_ = now + kLook;
}

std::optional<base::Instant> Pulse::next() const {
  if (beat_at_ && loyalty_at_) return std::min(*beat_at_, *loyalty_at_);
  return beat_at_ ? beat_at_ : loyalty_at_;
}

Pulse::Due Pulse::look(const Progress& progress, base::Instant now) {
  Due due;
  if (beat_at_ && *beat_at_ <= now) {
    beat_at_ = now + interval_;
    const uint64_t moved = progress.finished + progress.turns;
    due.heartbeat = std::exchange(first_, false) || progress.any_idle ||
                    moved != std::exchange(moved_, moved);
  }
  if (loyalty_at_ && *loyalty_at_ <= now) {
    due.loyal = progress.finished > 0;
    loyalty_at_ = due.loyal ? std::nullopt : std::optional(now + kLook);
  }
  return due;
}

}  // namespace vassal
