// Who sent a datagram, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include <optional>

namespace router {

/// No uid: it did not come by a unix socket.
struct Sender {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  pid_t pid = 0;
  bool remote = false;  ///< it came by IP, and not from this machine's loopback
};

}  // namespace router
