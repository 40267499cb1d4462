// Capacity: how much a router process takes on, from the descriptors it may have. Pure.
#pragma once

#include <cstddef>

namespace router {

struct Capacity {
  size_t busy;  ///< sessions and parked requests together; beyond, the backlog holds them
  size_t http;  ///< HTTP connections, idle ones included: nginx's door stays open
  size_t parked;  ///< parked requests: some room is left for those that move
  size_t belt;    ///< untaken messages per vassal: descriptors in flight count as well
};

/// For a process with `descriptors` (RLIMIT_NOFILE) and a bound of `queue_total` parked
/// requests.
Capacity capacity_for(size_t descriptors, size_t queue_total);

/// The limit of this process.
size_t descriptor_limit();

}  // namespace router
