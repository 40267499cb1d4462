// Listening sockets of the operator's own: the router's and the control socket. (Those of
// vassals are bound by a child with the tenant's ids: vassal/bind.h.)
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"

namespace emperor {

/// "/run/x.sock" or "x/y" as against "host:port" and ":port".
bool is_unix_path(const std::string& address);

/// Binds and listens, close-on-exec and non-blocking. A stale socket file is replaced; a
/// file that is no socket, or one that somebody answers on, is an error.
base::Result<base::Fd> listen_on(const std::string& address);

/// The same for datagrams; on a unix path it learns who sends (SO_PASSCRED), and
/// everybody on the machine may.
base::Result<base::Fd> hear_on(const std::string& address);

/// Whether there is a socket of ours at `path`.
bool is_own_socket(const std::string& path);

/// Sets mode and group of a socket's file.
base::Result<> give_socket(const std::string& path,
                           std::optional<mode_t> mode,
                           const std::string& group);

}  // namespace emperor
