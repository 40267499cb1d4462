#include "emperor/notify.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <span>

#include "base/fd_passing.h"

namespace emperor {

namespace {

/// A manager that takes nothing any more costs so much, and no more.
constexpr size_t kMostWaiting = 65536;

std::string_view environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

base::Fd connect_to(std::string_view path) {
  sockaddr_un where{};
  if (path.empty() || path.size() >= sizeof(where.sun_path)) return {};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), path.size());
  if (path.front() == '@') where.sun_path[0] = '\0';
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), size) != 0)
    return {};
  return fd;
}

/// $WATCHDOG_USEC, if it is meant for this process ($WATCHDOG_PID).
std::optional<base::Duration> watchdog_interval() {
  const auto microseconds = environment("WATCHDOG_USEC");
  const auto pid = environment("WATCHDOG_PID");
  uint64_t n = 0;
  const char* end = microseconds.data() + microseconds.size();
  if (std::from_chars(microseconds.data(), end, n).ec != std::errc{} || n == 0) return {};
  if (!pid.empty() && pid != std::to_string(::getpid())) return {};
  return std::chrono::microseconds(n);
}

}  // namespace

Notify Notify::from_environment() {
  Notify notify;
  notify.socket_ = connect_to(environment("NOTIFY_SOCKET"));
  if (notify) notify.watchdog_ = watchdog_interval();
  return notify;
}

bool Notify::send(const std::string& text, int fd) const {
  const auto sent = base::send_with_fds(socket_.get(), text,
                                        std::span<const int>(&fd, fd >= 0 ? 1 : 0));
  if (sent) return true;
  // Whatever else is wrong with it does not get better by waiting.
  return !sent.error().is(std::errc::resource_unavailable_try_again) &&
         !sent.error().is(std::errc::no_buffer_space) &&
         sent.error().code.value() != ETOOMANYREFS;
}

void Notify::say(std::string text, int fd) {
  if (!socket_ || (queue_.empty() && send(text, fd))) return;
  if (queue_.size() >= kMostWaiting) return;
  base::Fd copy;
  if (fd >= 0) {
    auto made = base::duplicate(fd);
    if (!made) return;
    copy = *std::move(made);
  }
  queue_.push_back({std::move(text), std::move(copy)});
}

void Notify::flush() {
  while (!queue_.empty() && send(queue_.front().text, queue_.front().fd.get()))
    queue_.pop_front();
}

void Notify::drain(base::Deadline deadline) {
  constexpr int kLookMs = 20;  // a manager's full socket need not say when it has room
  for (flush(); !queue_.empty() && !deadline.passed(); flush()) {
    pollfd wait{socket_.get(), POLLOUT, 0};
    ::poll(&wait, 1, kLookMs);
  }
}

}  // namespace emperor
