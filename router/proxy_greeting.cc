#include "router/proxy_greeting.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace router {

namespace {

constexpr size_t kLook = 1024;

/// Takes `size` bytes that were seen already.
bool take(int socket, char* into, size_t size) {
  return ::recv(socket, into, size, MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

}  // namespace

uvx::Task<base::Result<ProxyHeader>> receive_proxy_header(Stream& stream,
                                                          base::Deadline deadline) {
  std::string bytes;
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + kLook);
    const ssize_t seen =
        ::recv(stream.fd(), bytes.data() + before, kLook, MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && errno == EAGAIN) {
      bytes.resize(before);
      if (auto ready = co_await stream.readable(deadline); !ready)
        co_return std::unexpected(ready.error());
      continue;
    }
    if (seen < 0) co_return base::fail_errno("PROXY protocol");
    if (seen == 0) co_return base::fail("PROXY protocol: the connection ended before");
    bytes.resize(before + static_cast<size_t>(seen));
    const auto read = read_proxy_header(bytes);
    if (!read) co_return base::fail("PROXY protocol: " + std::string(read.error()));
    const std::optional<ProxyHeader>& header = *read;
    const size_t wanted = header ? header->size : bytes.size();
    if (!take(stream.fd(), bytes.data() + before, wanted - before))
      co_return base::fail("PROXY protocol: the connection broke");
    if (header) co_return *header;
  }
}

}  // namespace router
