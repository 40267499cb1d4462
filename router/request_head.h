// RequestHead: what the router has to know of a uwsgi packet: whose it is, and how much
// body follows. Pure, without allocation; everything else in the packet is the worker's
// business.
//
// The host is the first of UWSGI_FASTROUTER_KEY, HTTP_HOST and SERVER_NAME that has a
// value, whatever their order in the packet (uWSGI's rule). HTTP_HOST may come twice,
// from a uwsgi_param and from nginx itself: the last one with a value counts.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "base/wire/host_name.h"
#include "router/refusal.h"

namespace router {

struct RequestHead {
  std::string_view host;  ///< normalised, in the caller's buffer; empty: none was given
  std::string_view key;   ///< the same as it was sent, with its port
  std::string_view remote_addr;  ///< of the client, as the front says
  uint64_t content_length = 0;   ///< 0 if absent or empty
};

/// Whether bytes that should be a uwsgi packet begin like HTTP (a browser on the wrong
/// port).
bool looks_like_http(std::string_view bytes);

/// Reads the block of a packet (what follows the 4 bytes). `buffer` keeps the host.
std::expected<RequestHead, Refusal> read_request_head(std::string_view block,
                                                      wire::HostBuffer& buffer);

/// A Content-Length as RFC 9110 has it: digits only, no overflow.
std::expected<uint64_t, Refusal> parse_content_length(std::string_view text);

}  // namespace router
