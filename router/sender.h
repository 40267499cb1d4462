// Who sent a datagram, as the kernel tells it for unix sockets.
#pragma once

#include <sys/types.h>

#include <optional>

namespace router {

struct Sender {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  pid_t pid = 0;
};

}  // namespace router
