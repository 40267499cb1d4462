#include "vassal/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.h"

namespace vassal {

namespace {

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

/// Takes `sent` bytes off the front of `parts`.
std::span<iovec> advance(std::span<iovec> parts, size_t sent) {
  while (!parts.empty() && sent >= parts.front().iov_len) {
    sent -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) {
    parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + sent;
    parts.front().iov_len -= sent;
  }
  return parts;
}

}  // namespace

int Connection::wait(short events, std::chrono::milliseconds patience) {
  void* token = runtime_ != nullptr ? runtime_->release() : nullptr;
  const base::Deadline deadline = base::Deadline::in(patience);
  int result;
  do {
    pollfd p{fd_.get(), events, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - base::Clock::now());
    const int n = ::poll(&p, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    result = n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
  } while (result == -EINTR);
  if (runtime_ != nullptr) runtime_->acquire(token);
  return result;
}

ssize_t Connection::receive(char* into, size_t size) {
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), into, size, MSG_DONTWAIT);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (!would_block()) return -errno;
    if (backlog_) return -EAGAIN;
    if (const int failed = wait(POLLIN, read_patience_); failed != 0) return failed;
  }
}

ssize_t Connection::receive_soon(char* into, size_t size) {
  const ssize_t n = ::recv(fd_.get(), into, size, MSG_DONTWAIT);
  if (n >= 0) return n;
  // We were woken between its connect and its send: to let it run costs less than to
  // sleep.
  if (would_block()) ::sched_yield();
  return receive(into, size);
}

ssize_t Connection::try_send(std::span<const iovec> parts) const {
  if (way_ == Way::out)
    return ::writev(fd_.get(), parts.data(), static_cast<int>(parts.size()));
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int Connection::send(std::string_view data) {
  if (given_up_) return -EPIPE;
  if (backlog_ && !backlog_->empty()) {
    const std::array<iovec, 1> whole{iovec{const_cast<char*>(data.data()), data.size()}};
    backlog_->keep(whole);
    return 0;
  }
  const ssize_t n = way_ == Way::out ? ::write(fd_.get(), data.data(), data.size())
                                     : ::send(fd_.get(), data.data(), data.size(),
                                              MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n == std::ssize(data)) return 0;
  if (n < 0 && !would_block() && errno != EINTR) return -errno;
  data.remove_prefix(n > 0 ? static_cast<size_t>(n) : 0);
  std::array<iovec, 1> rest{iovec{const_cast<char*>(data.data()), data.size()}};
  return send(rest);
}

int Connection::send(std::span<iovec> parts) {
  if (given_up_) return -EPIPE;
  while (!parts.empty()) {
    if (backlog_ && !backlog_->empty()) {
      backlog_->keep(parts);
      return 0;
    }
    const ssize_t n = try_send(parts);
    if (n >= 0) {
      parts = advance(parts, static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block()) return -errno;
    if (backlog_) {
      backlog_->keep(parts);
      return 0;
    }
    if (const int failed = wait(POLLOUT, write_patience_); failed != 0) return failed;
  }
  return 0;
}

void Connection::give_up() {
  given_up_ = true;
  backlog_.emplace();
}

int Connection::flush() {
  if (!backlog_) return 0;
  Backlog& backlog = *backlog_;
  while (!backlog.bytes().empty()) {
    const std::string_view bytes = backlog.bytes();
    const std::array<iovec, 1> parts{
        iovec{const_cast<char*>(bytes.data()), bytes.size()}};
    const ssize_t n = try_send(parts);
    if (n >= 0)
      backlog.took_bytes(static_cast<size_t>(n));
    else if (would_block())
      return 0;
    else if (errno != EINTR)
      return -errno;
  }
  return flush_file(backlog);
}

int Connection::flush_file(Backlog& backlog) const {
  while (backlog.file_left() > 0) {
    off_t offset = backlog.file_offset();
    const uint64_t step = std::min<uint64_t>(backlog.file_left(), 1U << 30);
    const ssize_t n = ::sendfile(fd_.get(), backlog.file(), &offset, step);
    if (n >= 0)
      backlog.took_file(static_cast<size_t>(n));
    else if (would_block())
      return 0;
    else if (errno != EINTR)
      return -errno;
  }
  return 0;
}

int64_t Connection::send_file(int file, off_t offset, uint64_t count) {
  if (given_up_) return -EPIPE;
  // sendfile has no MSG_DONTWAIT: on a blocking socket a client that does not read would
  // hold it beyond all patience. The flag may be set for everybody: all others use
  // MSG_DONTWAIT, too.
  if (const auto set = base::set_blocking(fd_.get(), base::Blocking::no); !set)
    return -set.error().code.value();
  const uint64_t asked = count;
  if (backlog_) {
    int failed = backlog_->keep_file(file, offset, count);
    if (failed == 0) failed = flush();
    return failed == 0 ? static_cast<int64_t>(asked) : failed;
  }
  while (count > 0) {
    const size_t step = count < (1U << 30) ? static_cast<size_t>(count) : 1U << 30;
    const ssize_t n = ::sendfile(fd_.get(), file, &offset, step);
    if (n == 0) break;
    if (n > 0) {
      count -= static_cast<uint64_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block()) return -errno;
    if (const int failed = wait(POLLOUT, write_patience_); failed != 0) return failed;
  }
  return static_cast<int64_t>(asked - count);
}

void Connection::linger(std::chrono::milliseconds patience) {
  const base::Deadline deadline = base::Deadline::in(patience);
  bool told = false;
  std::array<char, 65536> dropped;
  while (!deadline.passed()) {
    const ssize_t n = ::recv(fd_.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    if (n == 0 || !would_block()) return;
    if (!told) ::shutdown(fd_.get(), SHUT_WR);
    told = true;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - base::Clock::now());
    if (left.count() <= 0 || wait(POLLIN, left) != 0) return;
  }
}

std::string Connection::peer() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return "an unknown peer";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address);
    ::inet_ntop(AF_INET6, &in->sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(in->sin6_port));
  }
  ucred cred{};
  size = sizeof(cred);
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
    return "an unknown peer";
  return "pid " + std::to_string(cred.pid) + " uid " + std::to_string(cred.uid);
}

}  // namespace vassal
