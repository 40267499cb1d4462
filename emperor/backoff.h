// Backoff: how long a vassal that keeps failing waits before its next start.
//
// Pure. Exponential with jitter and a cap; forgotten after a healthy life, a changed file
// or the operator's word. The first death of a vassal that had been serving costs no wait
// at all.
#pragma once

#include "base/clock.h"

namespace emperor {

struct BackoffPolicy {
  base::Duration first = std::chrono::milliseconds(500);
  base::Duration cap = std::chrono::seconds(60);
  base::Duration healthy =
      std::chrono::seconds(10);  ///< serving this long forgives everything
};

class Backoff {
 public:
  explicit Backoff(BackoffPolicy policy = {}) : policy_(policy) {}

  /// Records a failure of a generation that served for `served` (zero: it never became
  /// ready). `random` in [0, 1) spreads the wait over 75..125 %. Returns the wait before
  /// the next start.
  base::Duration failed(base::Duration served, double random);
  void reset() { failures_ = 0; }
  /// Goes on after `failures` that somebody else counted.
  void resume(unsigned failures) { failures_ = failures; }
  /// Failures in a row.
  unsigned failures() const { return failures_; }

 private:
  BackoffPolicy policy_;
  unsigned failures_ = 0;
};

}  // namespace emperor
