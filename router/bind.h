// Listening sockets for a router that runs alone; under an emperor they come by the
// control channel.
#pragma once

#include <string>

#include "base/fd.h"

namespace router {

/// "/run/router.sock", "host:port" or ":port", bound and listening.
base::Result<base::Fd> bind_listener(const std::string& address);

}  // namespace router
