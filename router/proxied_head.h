// The head of an HTTP/1.1 request, as a proxy says it to a backend, from the variables of
// a uwsgi packet. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "router/refusal.h"
#include "router/request_writer.h"

namespace router {

/// `block`: the variables. Appends to `out`, or refuses what would not be one request.
std::optional<Refusal> append_proxied_head(std::string_view block,
                                           const RequestShape& shape,
                                           std::string& out);

}  // namespace router
