// Bandwidth: a token bucket for what one vassal's answers may take. Pure.
//
// Who sends pays afterwards: spend() says how long to wait before the next piece. So a
// piece is never cut, and many senders share the rate in the order in which they pay.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace router {

class Bandwidth {
 public:
  /// 0: no limit.
  void set_rate(uint64_t bytes_per_second) { rate_ = bytes_per_second; }
  bool limited() const { return rate_ != 0; }
  /// The most to send at once: a quarter of a second's worth, so that nobody is in debt
  /// for long, nor the others for him.
  size_t piece(size_t most) const;
  /// `bytes` went out: how long until more may. What was not used is saved up for a
  /// quarter of a second, and at least a whole buffer.
  base::Duration spend(size_t bytes, base::Instant now);

 private:
  base::Duration time_for(uint64_t bytes) const;

  uint64_t rate_ = 0;
  base::Instant paid_until_ = {};
};

}  // namespace router
