// PeerNetworks: a list of addresses and networks, such as the proxies whose X-Forwarded-*
// fields are believed. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace router {

class PeerNetworks {
 public:
  /// Adds "192.0.2.7", "192.0.2.0/24", "2001:db8::/32", or "unix" for every unix socket.
  /// False if it is none of these.
  bool add(const std::string& text);
  /// Whether a numeric address (as getnameinfo(3) writes it) is in the list; an empty one
  /// is the peer of a unix socket.
  bool contains(const std::string& address) const;

 private:
  struct Network {
    std::array<uint8_t, 16> prefix;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits;
  };
  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace router
