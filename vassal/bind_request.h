// BindRequest: one listening socket as it has to be made, and the child's steps that make
// it.
//
// The steps run in a clone with the tenant's ids, so that the kernel's own permission
// checks decide what a tenant may bind: root never touches a path that a tenant chose.
// System calls only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "vassal/config.h"
#include "vassal/identity.h"

namespace vassal {

struct BindRequest {
  SocketAddress address;
  int backlog = 4096;          ///< the kernel cuts it down to net.core.somaxconn
  std::optional<mode_t> mode;  ///< `chmod-socket`; else 0777 without umask
  mode_t umask = 022;
  std::optional<Identity>
      identity;  ///< nothing: bind as who we are (our own run directory)
};

/// A kernel address.
struct KernelAddress {
  union {
    sockaddr any;
    sockaddr_un local;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
  };
  socklen_t size = 0;
};

/// ENAMETOOLONG: a unix path of more than 107 bytes. EINVAL: a host that is not a numeric
/// address.
base::Result<KernelAddress> kernel_address(const SocketAddress& address);

enum class BindStep : uint8_t {
  groups,
  gid,
  uid,
  no_way_back,
  socket,
  in_the_way,
  mode,
  bind,
  listen,
  done
};

/// "bind", "setuid": for logs.
const char* name_of(BindStep step);

/// What the child sends back; a `done` report carries the socket beside it.
struct BindReport {
  BindStep step = BindStep::done;
  int32_t error = 0;
  uint64_t device = 0;  ///< of the socket file, for unix paths
  uint64_t inode = 0;
};

/// What the child works from. Copied by the clone.
struct BindWork {
  KernelAddress address{};
  bool is_path = false;
  int backlog = 0;
  bool has_mode = false;
  mode_t mode = 0;
  mode_t umask = 0;
  const Identity* identity = nullptr;
  int channel = -1;
};

/// Binds and sends the report over the channel, then ends. `argument` points to a
/// BindWork.
[[noreturn]] void bind_in_child(void* argument);

}  // namespace vassal
