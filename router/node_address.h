// Where a node listens: "/path", "@abstract", "host:port", ":port". Pure.
#pragma once

#include <sys/socket.h>

#include <string_view>

#include "base/result.h"

namespace router {

struct NodeAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Hosts are numbers, since a look-up would hold up every other request: an IPv4 address,
/// an IPv6 one in brackets, "localhost", or nothing for this machine.
base::Result<NodeAddress> parse_node_address(std::string_view text);

}  // namespace router
