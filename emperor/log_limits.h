// What a vassal's log may cost: LogRate bounds what is written per second, fits() says
// when a file has to make room for the next.
//
// Pure: the time is handed in.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace emperor {

/// 0 is no bound.
struct RateLimit {
  uint64_t bytes = 0;  ///< per second
  uint64_t lines = 0;  ///< per second
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

class LogRate {
 public:
  /// Silence saves up for a burst of so many seconds.
  static constexpr double kBurst = 5;
  /// What a line costs besides its bytes: even an empty one is encoded and carried.
  static constexpr size_t kPerLine = 64;

  void set(const RateLimit& limit);
  /// Whether a line of `bytes` may be written now.
  bool take(size_t bytes, base::Instant now);

 private:
  void refill(base::Instant now);

  RateLimit limit_;
  double bytes_ = 0;
  double lines_ = 0;
  base::Instant filled_;
};

using WallClock = std::chrono::system_clock;

struct RotationLimit {
  uint64_t size = 0;            ///< bytes; 0 = no bound
  std::chrono::seconds age{0};  ///< 0 = no bound
  friend bool operator==(const RotationLimit&, const RotationLimit&) = default;
};

struct FileFacts {
  uint64_t size = 0;
  WallClock::time_point born;
  bool asked = false;             ///< a fresh file was asked for and is not there yet
  base::Instant may_rotate_from;  ///< not more often than that
};

struct Fit {
  bool rotate = false;  ///< ask for a fresh file
  bool write = true;    ///< there is room for it meanwhile
  friend bool operator==(const Fit&, const Fit&) = default;
};

/// Whether `adding` bytes go into the file. A file that waits for its successor may grow
/// to twice its size: whoever makes it may be away for a while.
Fit fits(const FileFacts& file,
         const RotationLimit& limit,
         size_t adding,
         base::Instant now,
         WallClock::time_point today);

}  // namespace emperor
