#include "emperor/turn_away.h"

#include <sys/socket.h>

#include <array>
#include <string>

#include <fmt/core.h>

#include "base/fd.h"

namespace emperor {

namespace {
constexpr unsigned kMost = 256;

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
}  // namespace

unsigned turn_away(int listener, unsigned retry_after_seconds) {
  const std::string bytes = answer(retry_after_seconds);
  std::array<char, 65536> request;
  for (unsigned n = 0; n < kMost; ++n) {
    const base::Fd visitor(
        ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!visitor) return n;
    // What is closed with unread bytes takes the answer along.
    (void)::recv(visitor.get(), request.data(), request.size(), MSG_DONTWAIT);
    (void)::send(visitor.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(visitor.get(), SHUT_WR);
  }
  return kMost;
}

}  // namespace emperor
