#include "router/listener.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/fd_passing.h"

namespace router {

namespace {
constexpr int kBatch = 64;
constexpr base::Duration kPause = std::chrono::milliseconds(20);
}  // namespace

bool Listener::is_of(int socket) const {
  struct stat mine{}, other{};
  return ::fstat(socket_.get(), &mine) == 0 && ::fstat(socket, &other) == 0 &&
         mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
}

Listener::Listener(uvx::Loop& loop, base::Log& log, base::Fd socket, Reception& reception)
    : loop_(loop),
      log_(log),
      socket_(std::move(socket)),
      poll_(loop, socket_.get(), uvx::Poll::Wakes::one),
      pause_(loop),
      reception_(reception) {
  base::refuse_descriptors(socket_.get());  // whatever it accepts does, too
}

uvx::Task<void> Listener::run() {
  while (!closed_) {
    if (!co_await poll_.readable()) co_return;
    Batch batch = Batch::more;
    while (batch == Batch::more && !closed_) {
      batch = accept_batch();
      if (batch == Batch::more) co_await loop_.yield();
    }
    if (batch == Batch::pause && !closed_)
      static_cast<void>(co_await pause_.sleep_until(base::Deadline::in(kPause)));
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
