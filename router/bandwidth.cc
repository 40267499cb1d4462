#include "router/bandwidth.h"

#include <algorithm>

namespace router {

namespace {
constexpr base::Duration kSaved = std::chrono::milliseconds(250);
constexpr uint64_t kLeastSaved = 64 * 1024;
constexpr uint64_t kLeastPiece = 1024;
}  // namespace

base::Duration Bandwidth::time_for(uint64_t bytes) const {
  const double seconds = static_cast<double>(bytes) / static_cast<double>(rate_);
  // A rate of a byte a second must not overflow the clock.
  constexpr double kMost = 3600;
  return std::chrono::duration_cast<base::Duration>(
      std::chrono::duration<double>(std::min(seconds, kMost)));
}

size_t Bandwidth::piece(size_t most) const {
  if (!limited()) return most;
  return static_cast<size_t>(std::clamp<uint64_t>(rate_ / 4, kLeastPiece, most));
}

base::Duration Bandwidth::spend(size_t bytes, base::Instant now) {
  if (!limited()) return {};
  const base::Duration saved = std::max(kSaved, time_for(kLeastSaved));
  paid_until_ = std::max(paid_until_, now - saved) + time_for(bytes);
  return std::max(base::Duration::zero(), base::Duration(paid_until_ - now));
}

}  // namespace router
