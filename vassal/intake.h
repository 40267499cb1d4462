// Intake: where one worker thread gets its connections, and how it waits for them.
//
// Two kinds of sources: the handoff channel (a connection together with its first bytes)
// and the vassal's own listeners. All are shared with other workers and other
// generations: they are tried without blocking first, and only then the thread sleeps in
// an epoll of its own, registered with EPOLLEXCLUSIVE so that one arrival wakes one
// sleeper (epoll_ctl(2)).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/wire/handoff.h"
#include "vassal/response.h"

namespace vassal {

/// The descriptors that every worker inherits and none owns.
struct Sockets {
  int handoff = -1;  ///< receiving end, -1 without a router
  std::vector<int> listeners;
};

/// A connection just taken. Its first `size` bytes stand in the buffer behind
/// wire::kHandoffHeader bytes that belong to the header.
struct Arrival {
  base::Fd fd;
  size_t size = 0;
  Framing framing = Framing::until_close;
  bool one_way = false;  ///< a pipe: answer into it, there is nothing to read
  bool handed_over = false;
  base::Instant arrived;
  base::Deadline deadline;
};

/// Bytes of the buffers that arrivals are taken into.
inline constexpr size_t kArrivalBuffer = wire::kHandoffHeader + wire::kMaxHandoff;

class Intake {
 public:
  /// `calls`: descriptors that end the sleep without bringing a connection.
  static base::Result<Intake> open(const Sockets& sockets, std::span<const int> calls);

  /// Whether try_take() may find something: always after a wake-up; after a request only
  /// while connections keep coming faster than they are served, else the sleep finds them
  /// as well.
  bool promising();
  /// A connection, if one is there: at the source that woke us or gave the last one, and
  /// at each other one from time to time.
  std::optional<Arrival> try_take(std::span<char> buffer);
  /// Sleeps until a source or a call is ready. Returns the descriptor of the call, -1 for
  /// others.
  int sleep();
  /// The same without sleeping: for a thread that waits for fd(), readable when there is
  /// something to take, in a loop of its own. An arrival wakes each thread that waits in
  /// that way.
  int look() { return wake(0); }
  int fd() const { return epoll_.get(); }
  /// Is no longer woken: what arrives from now on wakes somebody else. The last wake-up
  /// may have been meant for a connection that is still there: that one.
  std::optional<Arrival> take_last(std::span<char> buffer);
  /// Why connections cannot be taken any more (too many open files, ...); 0 while they
  /// can.
  int error() const { return error_; }

 private:
  struct Source {
    int fd;
    bool handoff;
    bool open;
  };

  std::optional<Arrival> take_from(Source& source, std::span<char> buffer);
  std::optional<Arrival> take_handed_over(Source& source, std::span<char> buffer);
  std::optional<Arrival> accept_from(const Source& source);
  void note_failure(Source& source, int code);
  void turn_to(size_t source);
  int wake(int timeout);

  base::Fd epoll_;
  std::vector<Source> sources_;
  std::vector<int> calls_;
  size_t first_ = 0;  // index of the source to look at
  uint32_t streak_ = 0;
  int luck_ = 0;          // of the last tries that followed a request
  uint32_t skipped_ = 0;  // tries not made for want of luck
  bool woken_ = true;
  int error_ = 0;
};

}  // namespace vassal
