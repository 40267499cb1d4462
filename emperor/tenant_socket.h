// Sockets that a vassal's file asks for: bound, and their files removed again, by
// short-lived children with the tenant's ids. Root never touches a path that a tenant
// chose.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "vassal/config.h"
#include "vassal/identity.h"

namespace emperor {

struct TenantSocket {
  base::Fd fd;
  std::string path;     ///< of a unix socket's file; empty for others
  uint64_t device = 0;  ///< which file that was when it was bound
  uint64_t inode = 0;
  std::optional<vassal::Identity> identity;
};

/// Binds and listens as the vassal's own user; applies chmod-socket and chown-socket.
uvx::Task<base::Result<TenantSocket>> bind_socket(
    uvx::Loop& loop,
    const vassal::VassalConfig& config,
    vassal::SocketAddress address,
    std::optional<vassal::Identity> identity);

/// Closes the socket and removes its file, if that is still the one that was bound.
uvx::Task<void> unlink_socket(uvx::Loop& loop, TenantSocket socket);

}  // namespace emperor
