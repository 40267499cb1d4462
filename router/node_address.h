// Where a node listens: "/path", "@abstract", "host:port", ":port", and in front of that
// what it speaks: "http:127.0.0.1:3000", "fastcgi:/run/php.sock". Pure.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "router/protocol.h"

namespace router {

struct NodeAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Hosts are numbers, since a look-up would hold up every other request: an IPv4 address,
/// an IPv6 one in brackets, "localhost", or nothing for this machine.
base::Result<NodeAddress> parse_node_address(std::string_view text);

/// A path or "@abstract".
bool is_unix_address(std::string_view text);
/// What only this machine, or its link, means by it: a unix address, loopback, any
/// address, link-local (where clouds keep their secrets).
bool is_local_address(const sockaddr* address);

/// A node as operators write it.
struct NodeName {
  Protocol protocol = Protocol::uwsgi;
  std::string address;  ///< parse_node_address() takes it
};
/// "[PROTOCOL:]ADDRESS"; "http://host:port" is the same as "http:host:port".
base::Result<NodeName> parse_node_name(std::string_view text);

}  // namespace router
