// Who sent a datagram, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace router {

/// No uid: it did not come by a unix socket.
struct Sender {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  pid_t pid = 0;
  bool remote = false;   ///< it came by IP, and not from this machine's loopback
  uint64_t network = 0;  ///< where from, by IP: its IPv4 address, or 64 bits of IPv6
};

}  // namespace router
