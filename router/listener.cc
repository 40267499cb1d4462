#include "router/listener.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd_passing.h"

namespace router {

namespace {
constexpr int kBatch = 64;
constexpr base::Duration kPause = std::chrono::milliseconds(20);
/// A process may be woken and, by then, have no room: what it leaves behind wakes nobody
/// else, so each looks now and then all the same.
constexpr base::Duration kForgotten = std::chrono::seconds(1);
/// How long a helper lets connections gather before it looks again; how many of them
/// mean that the first process does not keep up; and after how many looks at an empty
/// backlog a helper goes to sleep.
constexpr base::Duration kLeastGather = std::chrono::milliseconds(1);
constexpr base::Duration kMostGather = std::chrono::milliseconds(8);
constexpr int kMany = 16;
constexpr int kIdleLooks = 8;
}  // namespace

Listener::Listener(uvx::Loop& loop,
                   base::Log& log,
                   base::Fd socket,
                   Sharing sharing,
                   Reception& reception)
    : loop_(loop),
      log_(log),
      socket_(std::move(socket)),
      sharing_(sharing),
      poll_(loop, socket_.get(), uvx::Poll::Wakes::one),
      pause_(loop),
      reception_(reception) {
  base::refuse_descriptors(socket_.get());  // whatever it accepts does, too
}

uvx::Task<void> Listener::run() {
  while (!closed_) {
    co_await wait_for_room();
    if (const auto ready = co_await poll_.readable(base::Deadline::in(kForgotten));
        !ready && !ready.error().is(std::errc::timed_out))
      co_return;
    co_await accept_all();
    if (sharing_ != Sharing::first || !reception_.has_room()) poll_.step_back();
    if (sharing_ == Sharing::helper) co_await help();
  }
}

/// Who cannot take it must not be the one that a connection wakes.
uvx::Task<void> Listener::wait_for_room() {
  while (!closed_ && !reception_.has_room())
    static_cast<void>(co_await pause_.sleep_until(base::Deadline::in(kPause)));
}

uvx::Task<int> Listener::accept_all() {
  Batch batch = Batch::more;
  int taken = 0;
  while (batch == Batch::more && !closed_) {
    batch = accept_batch();
    taken += last_batch_;
    if (batch == Batch::more) co_await loop_.yield();
  }
  if (batch == Batch::pause && !closed_)
    static_cast<void>(co_await pause_.sleep_until(base::Deadline::in(kPause)));
  co_return taken;
}

/// The first process is busy, or on its way. To be woken for each connection that comes
/// meanwhile would cost more than to serve it: a helper comes back when some have
/// gathered and takes them all; the fewer there were, the later it comes again. (And if
/// there is no first one at the moment, nobody waits longer than that.)
uvx::Task<void> Listener::help() {
  base::Duration gather = kLeastGather;
  for (int idle = 0; idle < kIdleLooks && !closed_; ++idle) {
    static_cast<void>(co_await pause_.sleep_until(base::Deadline::in(gather)));
    if (closed_) co_return;
    const int taken = somebody_waits() ? co_await accept_all() : 0;
    if (taken > 0) idle = -1;
    gather = taken > kMany ? kLeastGather : std::min(gather * 2, kMostGather);
  }
}

/// To ask costs a fifth of an accept that finds nobody: the kernel makes the socket
/// before it looks.
bool Listener::somebody_waits() const {
  pollfd watched{socket_.get(), POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

Listener::Batch Listener::accept_batch() {
  Batch result = Batch::more;
  int n = 0;
  for (; n < kBatch && result == Batch::more; ++n) {
    if (!reception_.has_room()) {
      result = Batch::pause;
      break;
    }
    if (n > last_batch_ / 2 && !somebody_waits()) {
      result = Batch::empty;
      break;
    }
    base::Fd connection(
        ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection) {
      reception_.arrived(std::move(connection), base::Clock::now());
    } else if (errno == EAGAIN) {
      result = Batch::empty;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
               errno == ENOMEM) {
      log_.warn("listener: pauses reason=\"{}\"", std::strerror(errno));
      result = Batch::pause;
    }
    // Anything else is the fate of that one connection (ECONNABORTED): go on.
  }
  last_batch_ = n;
  reception_.batch_ends();
  return result;
}

void Listener::close() {
  closed_ = true;
  poll_.close();
  pause_.cancel();
}

}  // namespace router
