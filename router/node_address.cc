#include "router/node_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
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

bool is_local_ipv4(in_addr_t address) {
  const uint32_t bits = ntohl(address);
  return bits >> 24 == 127 || bits >> 24 == 0 || bits >> 16 == 0xA9FE;
}

}  // namespace

bool is_unix_address(std::string_view text) {
  return text.starts_with('/') || text.starts_with('@');
}

bool is_local_address(const sockaddr* address) {
  if (address->sa_family == AF_INET)
    return is_local_ipv4(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
  if (address->sa_family != AF_INET6) return true;
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ip) || IN6_IS_ADDR_V4COMPAT(&ip)) {
    in_addr_t last = 0;
    std::memcpy(&last, ip.s6_addr + 12, sizeof(last));
    return is_local_ipv4(last);
  }
  return IN6_IS_ADDR_LOOPBACK(&ip) || IN6_IS_ADDR_UNSPECIFIED(&ip) ||
         IN6_IS_ADDR_LINKLOCAL(&ip);
}

base::Result<NodeAddress> parse_node_address(std::string_view text) {
  if (is_unix_address(text)) return unix_address(text);
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

base::Result<NodeName> parse_node_name(std::string_view text) {
  NodeName name;
  const size_t colon = std::min(text.find(':'), text.size());
  // A single letter is no name here: it would take too much for a protocol.
  const auto protocol =
      colon > 1 ? parse_protocol(text.substr(0, colon)) : std::optional<Protocol>();
  std::string_view address = text;
  if (protocol) {
    name.protocol = *protocol;
    address.remove_prefix(std::min(colon + 1, text.size()));
    if (address.starts_with("//")) address.remove_prefix(2);
    if (text.substr(colon).starts_with("://") && address.ends_with('/'))
      address.remove_suffix(1);
  }
  TRY(parse_node_address(address));
  name.address = address;
  return name;
}

}  // namespace router
