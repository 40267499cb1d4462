// Poll: readiness of one descriptor for coroutines. The caller owns the descriptor and
// does the system call itself: try first, wait only on EAGAIN.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/uv/loop.h"

namespace uvx {

/// Watches a descriptor that must stay open until the Poll is destroyed. Sets
/// O_NONBLOCK on it, which is shared by every copy. Costs the kernel nothing else until
/// somebody waits. At most one reader and one writer
/// wait at a time (checked).
class Poll {
 public:
  /// Of several processes that wait for the same descriptor, to read: all wake, or the
  /// kernel picks one that is idle (EPOLLEXCLUSIVE, epoll_ctl(2)). `one` is for readers
  /// only.
  enum class Wakes { all, one };

  Poll(Loop& loop, int fd, Wakes wakes = Wakes::all);
  ~Poll();  ///< waiters must have left; use close() and let them unwind
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  /// Ready to read (or at its end, or broken: the system call will tell).
  /// ETIMEDOUT after the deadline, ECANCELED after close().
  Task<base::Result<>> readable(base::Deadline deadline = {});
  Task<base::Result<>> writable(base::Deadline deadline = {});
  /// With Wakes::one: whoever else waits for the same is asked first from now on; nobody
  /// may wait here at the moment.
  void step_back();
  /// Wakes all waiters with ECANCELED and stops watching: now the descriptor may be
  /// closed.
  void close();

  struct State;  // owned by libuv until its close callback
 private:
  State* state_;
};

}  // namespace uvx
