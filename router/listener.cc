#include "router/listener.h"

#include <poll.h>
#include <sys/epoll.h>
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

base::Result<base::Fd> Listener::make_epoll(int socket) {
  base::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return base::fail_errno("epoll_create1");
  TRY(base::set_blocking(socket, base::Blocking::no));
  base::refuse_descriptors(socket);  // whatever it accepts does, too
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket, &event) != 0)
    return base::fail_errno("watch listening socket");
  return epoll;
}

bool Listener::is_of(int socket) const {
  struct stat mine{}, other{};
  return ::fstat(socket_.get(), &mine) == 0 && ::fstat(socket, &other) == 0 &&
         mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
}

Listener::Listener(uvx::Loop& loop,
                   base::Log& log,
                   base::Fd socket,
                   base::Fd epoll,
                   Reception& reception)
    : loop_(loop),
      log_(log),
      socket_(std::move(socket)),
      epoll_(std::move(epoll)),
      poll_(loop, epoll_.get()),
      pause_(loop),
      reception_(reception) {}

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
  // The epoll entry would live on with the sockets of other processes.
  static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr));
}

}  // namespace router
