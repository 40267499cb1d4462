// Relay: a request in the uwsgi protocol to a node that subscribed, and its answer back,
// byte for byte.
//
// A node that cannot be reached is marked, and the next one is tried: nothing was sent
// yet. After that the node's fate is the request's. Both directions flow at once; each
// holds one buffer at most, so a slow reader slows its sender down.
#pragma once

#include <string>

#include "base/fd.h"
#include "router/node_finder.h"
#include "router/services.h"

namespace router {

/// What came in on the client's connection so far, and for whom.
struct RelayRequest {
  base::Fd client;
  std::string bytes;  ///< a whole head, and the beginning of the body
  NodeQuery query;    ///< for whom
  Lease node;         ///< whom the finder gave first
  base::Instant arrived = {};
};

/// Serves it to its end.
uvx::Task<void> relay(Services& services, RelayRequest request);

}  // namespace router
