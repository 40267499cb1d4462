#include "router/node_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>

namespace router {

namespace {

base::Result<NodeAddress> unix_address(std::string_view text) {
  NodeAddress out;
  auto* address = reinterpret_cast<sockaddr_un*>(&out.storage);
  const bool abstract = text.starts_with('@');
  if (text.size() >= sizeof(address->sun_path))
    return base::fail(ENAMETOOLONG, "node " + std::string(text));
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, text.data(), text.size());
  if (abstract) address->sun_path[0] = '\0';
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() +
                                    (abstract ? 0 : 1));
  return out;
}

base::Result<NodeAddress> ip_address(std::string_view host, uint16_t port) {
  NodeAddress out;
  const std::string text(host.empty() || host == "localhost" ? "127.0.0.1" : host);
  if (text.starts_with('[') && text.ends_with(']')) {
    auto* address = reinterpret_cast<sockaddr_in6*>(&out.storage);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(port);
    out.size = sizeof(*address);
    const std::string inner = text.substr(1, text.size() - 2);
    if (::inet_pton(AF_INET6, inner.c_str(), &address->sin6_addr) == 1) return out;
  } else {
    auto* address = reinterpret_cast<sockaddr_in*>(&out.storage);
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    out.size = sizeof(*address);
    if (::inet_pton(AF_INET, text.c_str(), &address->sin_addr) == 1) return out;
  }
  return base::fail(EINVAL, "node address " + text + " is not numeric");
}

}  // namespace

base::Result<NodeAddress> parse_node_address(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('@')) return unix_address(text);
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  const std::string_view digits =
      colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() ||
      port == 0)
    return base::fail(
        EINVAL, "node address " + std::string(text) + ": neither a path nor host:port");
  return ip_address(text.substr(0, colon), port);
}

}  // namespace router
