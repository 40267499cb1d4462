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
  // An HTTP connection holds two descriptors while a request is under way.
  const size_t busy =
      descriptors <= 2 * kOwn ? descriptors / 4 : (descriptors - kOwn) / 2;
  return {.busy = busy,
          .http = busy / 2,
          .parked = std::min(queue_total, busy / 2),
          .belt = std::clamp<size_t>(descriptors / 256, 8, Belt::kMost)};
}

size_t descriptor_limit() {
  rlimit limit{.rlim_cur = 1024, .rlim_max = 1024};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace router
