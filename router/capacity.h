// Capacity: how much a router process takes on, from the descriptors it may have. Pure.
#pragma once

#include <cstddef>

namespace router {

/// What a router process has taken on. A session that serves holds two descriptors (the
/// client's and the one its answer comes by), an idle HTTP connection and a parked
/// request one each.
struct Occupancy {
  size_t sessions = 0;  ///< of both doors, idle ones included
  size_t http = 0;      ///< of them, those of the HTTP door
  size_t idle = 0;      ///< of those, the ones that wait for a request
  size_t parked = 0;
};

struct Capacity {
  size_t descriptors;  ///< for all that; beyond, the backlog holds connections
  size_t http;    ///< of them, those that HTTP sessions may hold: nginx's door stays open
  size_t parked;  ///< parked requests: some room is left for those that move
  size_t belt;    ///< untaken messages per vassal: descriptors in flight count as well

  /// Whether another connection can be served.
  bool has_room(const Occupancy& taken) const;
  /// Whether an HTTP session that was idle can be served: it counts as busy already.
  bool has_room_to_serve(const Occupancy& taken) const;
  /// Whether another HTTP connection can be taken on.
  bool has_room_for_http(const Occupancy& taken) const;
};

/// For a process with `descriptors` (RLIMIT_NOFILE) and a bound of `queue_total` parked
/// requests.
Capacity capacity_for(size_t descriptors, size_t queue_total);

/// The limit of this process.
size_t descriptor_limit();

}  // namespace router
