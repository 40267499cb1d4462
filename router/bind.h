// Listening sockets for a router that runs alone; under an emperor they come by the
// control channel.
#pragma once

#include <string>

#include "base/fd.h"

namespace router {

/// Unlinks a socket at `path` that nobody answers at any more; an error if somebody does,
/// or if it is no socket. `type`: SOCK_STREAM or SOCK_DGRAM.
base::Result<> make_room(const std::string& path, int type);

/// "/run/router.sock", "host:port" or ":port", bound and listening.
base::Result<base::Fd> bind_listener(const std::string& address);

/// Where a bound socket is, as it is written in options; empty if that cannot be told.
std::string bound_address(int socket);

}  // namespace router
