#include "router/capacity.h"

#include <sys/resource.h>

#include <algorithm>

#include "router/belt.h"

namespace router {

namespace {
// Descriptors that belong to the process itself: channels, epolls, logs, and some to
// spare.
constexpr size_t kOwn = 512;
constexpr size_t kEnough =
    1u << 20;  // a limit may be 2^30: that is not a number of connections
}  // namespace

Capacity capacity_for(size_t descriptors, size_t queue_total) {
  descriptors = std::min(descriptors, kEnough);
  const size_t ours = descriptors <= 2 * kOwn ? descriptors / 2 : descriptors - kOwn;
  return {.descriptors = ours,
          .http = ours / 4 * 3,
          .parked = std::min(queue_total, ours / 5 * 3),
          .belt = std::clamp<size_t>(descriptors / 256, 8, Belt::kMost)};
}

bool Capacity::has_room(const Occupancy& taken) const {
  const size_t held = 2 * taken.sessions - taken.idle + taken.parked;
  return held + 2 <= descriptors;
}

bool Capacity::has_room_to_serve(const Occupancy& taken) const {
  return 2 * taken.http - taken.idle <= http;
}

bool Capacity::has_room_for_http(const Occupancy& taken) const {
  return has_room(taken) && 2 * taken.http - taken.idle + 2 <= http;
}

size_t descriptor_limit() {
  rlimit limit{.rlim_cur = 1024, .rlim_max = 1024};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace router
