#include "router/peer_counts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

namespace router {

std::string client_of(const std::string& address) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), sizeof(in_addr));
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), 8);
  return address;  // with a scope ("fe80::1%eth0"): a neighbour by himself
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

std::optional<PeerCounts::Place> PeerCounts::enter(const std::string& address,
                                                   size_t most) {
  if (most == 0) return std::nullopt;
  std::string client = client_of(address);
  size_t& count = counts_[client];
  if (count >= most) return std::nullopt;
  ++count;
  return Place(*this, std::move(client));
}

void PeerCounts::leave(const std::string& client) {
  const auto found = counts_.find(client);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace router
