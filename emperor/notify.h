// Notify: what a service manager is told (sd_notify(3) without the library), descriptors
// included, which it keeps for the next start.
//
// Never blocks: what the manager does not take at once waits here, in order and bounded.
// Without $NOTIFY_SOCKET everything is accepted and does nothing.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"

namespace emperor {

class Notify {
 public:
  /// To the manager that $NOTIFY_SOCKET names.
  static Notify from_environment();

  /// Whether there is a service manager.
  explicit operator bool() const { return static_cast<bool>(socket_); }
  /// "READY=1", several lines allowed; `fd` goes beside it.
  void say(std::string text, int fd = -1);
  /// What to poll for writing; -1 while nothing waits.
  int waiting_on() const { return queue_.empty() ? -1 : socket_.get(); }
  void flush();
  /// Waits until everything was taken, or until the deadline.
  void drain(base::Deadline deadline);
  /// How often the manager wants to hear WATCHDOG=1; nothing if it does not.
  std::optional<base::Duration> watchdog() const { return watchdog_; }

 private:
  struct Waiting {
    std::string text;
    base::Fd fd;
  };
  bool send(const std::string& text, int fd) const;

  base::Fd socket_;
  std::deque<Waiting> queue_;
  std::optional<base::Duration> watchdog_;
};

}  // namespace emperor
