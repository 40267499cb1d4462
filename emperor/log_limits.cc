#include "emperor/log_limits.h"

#include <algorithm>

namespace emperor {

void LogRate::set(const RateLimit& limit) {
  if (limit == limit_) return;
  limit_ = limit;
  bytes_ = kBurst * static_cast<double>(limit.bytes);
  lines_ = kBurst * static_cast<double>(limit.lines);
}

void LogRate::refill(base::Instant now) {
  const double seconds =
      std::clamp(std::chrono::duration<double>(now - filled_).count(), 0.0, kBurst);
  filled_ = now;
  const auto bytes = static_cast<double>(limit_.bytes);
  const auto lines = static_cast<double>(limit_.lines);
  bytes_ = std::min(bytes_ + seconds * bytes, kBurst * bytes);
  lines_ = std::min(lines_ + seconds * lines, kBurst * lines);
}

bool LogRate::take(size_t bytes, base::Instant now) {
  if (limit_ == RateLimit{}) return true;
  refill(now);
  // A line may be larger than what is left: the debt is paid before the next.
  if (limit_.bytes > 0 && bytes_ <= 0) return false;
  if (limit_.lines > 0 && lines_ < 1) return false;
  bytes_ -= static_cast<double>(bytes + kPerLine);
  lines_ -= 1;
  return true;
}

Fit fits(const FileFacts& file,
         const RotationLimit& limit,
         size_t adding,
         base::Instant now,
         WallClock::time_point today) {
  const uint64_t size = file.size + adding;
  const bool large = limit.size > 0 && size > limit.size;
  const bool old = limit.age.count() > 0 && today - file.born >= limit.age;
  const bool much_too_large = limit.size > 0 && size > 2 * limit.size && file.size > 0;
  const bool due = file.size > 0 && (large || old);
  return {.rotate = due && !file.asked && now >= file.may_rotate_from,
          .write = !much_too_large};
}

}  // namespace emperor
