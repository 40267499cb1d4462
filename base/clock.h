// Time: one monotonic clock, and deadlines instead of timeouts.
#pragma once

#include <chrono>
#include <cstdint>

namespace base {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, the same for every process
using Instant = Clock::time_point;
using Duration = Clock::duration;

/// A point in time after which waiting is pointless; passed down unchanged through every
/// layer.
class Deadline {
 public:
  /// Waits for ever.
  constexpr Deadline() = default;
  constexpr explicit Deadline(Instant at) : at_(at) {}
  static Deadline in(Duration d) { return Deadline(Clock::now() + d); }
  static constexpr Deadline never() { return {}; }

  constexpr Instant at() const { return at_; }
  constexpr bool is_never() const { return at_ == Instant::max(); }
  bool passed(Instant now = Clock::now()) const { return now >= at_; }

 private:
  Instant at_ = Instant::max();
};

/// Nanoseconds on the monotonic clock, for messages between processes of one machine.
inline uint64_t to_wire(Instant t) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
}
inline Instant from_wire(uint64_t ns) {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(ns)));
}

}  // namespace base
