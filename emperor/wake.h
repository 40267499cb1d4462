// Wake: one coroutine sleeps until somebody has something for it to do.
#pragma once

#include "base/uv/loop.h"

namespace emperor {

class Wake {
 public:
  explicit Wake(uvx::Loop& loop) : timer_(loop) {}

  /// Something is there: ends the wait, or the next one at once.
  void set() {
    set_ = true;
    timer_.cancel();
  }
  /// No wait lasts any more.
  void close() {
    closed_ = true;
    timer_.cancel();
  }
  bool closed() const { return closed_; }
  /// True when set; false at the deadline or after close().
  uvx::Task<bool> wait(base::Deadline deadline = {}) {
    if (!set_ && !closed_) (void)co_await timer_.sleep_until(deadline);
    co_return std::exchange(set_, false) && !closed_;
  }

 private:
  uvx::Timer timer_;
  bool set_ = false;
  bool closed_ = false;
};

}  // namespace emperor
