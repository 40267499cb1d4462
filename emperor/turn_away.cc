#include "emperor/turn_away.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include <fmt/core.h>

#include "emperor/tenant_child.h"
#include "vassal/clone.h"

namespace emperor {

namespace {
constexpr unsigned kMost = 256;
constexpr unsigned kMostSeconds = 5;

std::string answer(unsigned retry_after) {
  constexpr std::string_view kPage =
      "<!doctype html>\n<title>503 Service Unavailable</title>\n"
      "<h1>503 Service Unavailable</h1>\n<p>The site does not start.</p>\n";
  return fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
      "Content-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n"
      "Retry-After: {}\r\n\r\n{}",
      kPage.size(), retry_after, kPage);
}

/// What the child works from, copied by the clone.
struct Work {
  int listener;
  const char* bytes;
  size_t size;
};

bool somebody_waits(int listener) {
  pollfd watched{listener, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & POLLIN) != 0;
}

[[noreturn]] void answer_in_child(void* argument) {
  const auto& work = *static_cast<const Work*>(argument);
  if (close_all_but(work.listener) != 0 || vassal::raw::reset_signals() != 0) ::_exit(1);
  ::alarm(kMostSeconds);
  std::array<char, 65536> request;
  for (unsigned n = 0; n < kMost && somebody_waits(work.listener); ++n) {
    const int visitor =
        ::accept4(work.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (visitor < 0) break;
    // What is closed with unread bytes takes the answer along.
    (void)::recv(visitor, request.data(), request.size(), MSG_DONTWAIT);
    (void)::send(visitor, work.bytes, work.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(visitor, SHUT_WR);
    (void)::close(visitor);
  }
  ::_exit(0);
}

}  // namespace

uvx::Task<void> turn_away(uvx::Loop& loop,
                          base::Fd listener,
                          unsigned retry_after_seconds) {
  if (!somebody_waits(listener.get())) co_return;
  const std::string bytes = answer(retry_after_seconds);
  Work work{listener.get(), bytes.data(), bytes.size()};
  auto child = vassal::clone_child(vassal::Parent::us, -1, answer_in_child, &work);
  if (!child) co_return;
  listener.reset();
  co_await end_child(loop, *child);
}

}  // namespace emperor
