// Cause: why a router refused a request; the word for it in logs, figures and metrics.
//
// A closed set: it bounds the labels of metrics. Shared with the emperor, which adds up
// the figures of all routers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wire {

enum class Cause : uint8_t {
  other,
  no_route,
  bad_request,
  header_timeout,
  limit_post,
  head_size,
  bad_answer,
  connect,
  stopped,
  start,
  queue_max,
  queue_timeout,
  removed,
  resources,
  request_timeout,
  concurrency_max,
};
inline constexpr size_t kCauses = 16;

/// "queue_max", for figures.
std::string_view name_of(Cause cause);
/// Where the request ended: "client", "router", "queue" or "vassal".
std::string_view hop_of(Cause cause);
/// The option that set the limit it met ("queue-max"); empty if it met none.
std::string_view limit_of(Cause cause);

}  // namespace wire
