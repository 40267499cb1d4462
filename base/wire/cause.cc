#include "base/wire/cause.h"

#include <array>

namespace wire {

namespace {

struct CauseRow {
  std::string_view name;
  std::string_view hop;
  std::string_view limit;
};

/// In the order of Cause.
constexpr std::array<CauseRow, kCauses> kCauseRows{{
    {"other", "router", ""},
    {"no_route", "router", ""},
    {"bad_request", "client", ""},
    {"header_timeout", "client", "header-timeout"},
    {"limit_post", "client", "limit-post"},
    {"head_size", "client", ""},
    {"bad_answer", "vassal", ""},
    {"connect", "vassal", "connect"},
    {"stopped", "vassal", ""},
    {"start", "vassal", ""},
    {"queue_max", "queue", "queue-max"},
    {"queue_timeout", "queue", "queue-timeout"},
    {"removed", "vassal", ""},
    {"resources", "router", ""},
    {"request_timeout", "vassal", "request-timeout"},
    {"concurrency_max", "queue", "concurrency-max"},
}};

const CauseRow& row_of(Cause cause) {
  return kCauseRows[static_cast<size_t>(cause)];
}

}  // namespace

std::string_view name_of(Cause cause) {
  return row_of(cause).name;
}
std::string_view hop_of(Cause cause) {
  return row_of(cause).hop;
}
std::string_view limit_of(Cause cause) {
  return row_of(cause).limit;
}

}  // namespace wire
