#include "router/transfer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace router {

base::Result<size_t> try_receive(int fd, std::span<char> buffer) {
  ssize_t n;
  do {
    n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return base::fail_errno("receive");
  return static_cast<size_t>(n);
}

base::Result<size_t> try_read(int pipe, std::span<char> buffer) {
  ssize_t n;
  do {
    n = ::read(pipe, buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return base::fail_errno("read");
  return static_cast<size_t>(n);
}

base::Result<size_t> try_send(int fd, std::string_view bytes) {
  ssize_t n;
  do {
    n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) n = ::write(fd, bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return static_cast<size_t>(n);
  if (errno == EAGAIN) return size_t{0};
  return base::fail_errno("send");
}

bool has_hung_up(int fd) {
  pollfd watched{fd, 0, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

void reset_on_close(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

}  // namespace router
