#include "router/transfer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace router {

namespace {

bool would_block(const base::Error& error) {
  return error.is(std::errc::resource_unavailable_try_again);
}

}  // namespace

base::Result<size_t> try_receive(int fd, std::span<char> buffer) {
  ssize_t n;
  do {
    n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == ENOTSOCK) n = ::read(fd, buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return base::fail_errno("receive");
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

uvx::Task<base::Result<size_t>> receive(uvx::Poll& poll,
                                        int fd,
                                        std::span<char> buffer,
                                        base::Deadline deadline) {
  for (;;) {
    auto received = try_receive(fd, buffer);
    if (received || !would_block(received.error())) co_return received;
    if (auto ready = co_await poll.readable(deadline); !ready)
      co_return std::unexpected(ready.error());
  }
}

uvx::Task<base::Result<>> send_all(uvx::Poll& poll,
                                   int fd,
                                   std::string_view bytes,
                                   base::Duration patience) {
  while (!bytes.empty()) {
    const auto sent = try_send(fd, bytes);
    if (!sent) co_return std::unexpected(sent.error());
    bytes.remove_prefix(*sent);
    if (bytes.empty()) break;
    if (auto ready = co_await poll.writable(base::Deadline::in(patience)); !ready)
      co_return std::unexpected(ready.error());
  }
  co_return base::Result<>{};
}

}  // namespace router
