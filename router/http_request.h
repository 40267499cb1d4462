// HttpRequest: what is asked for, once the head of an HTTP/1.1 request passed the strict
// checks, and the uwsgi packet that says the same to a worker. Pure.
//
// Refused: names with spaces or other non-token characters, folded lines, no Host or two,
// a Host that is not a host name, a Transfer-Encoding beside Content-Length or other than
// chunked, CONNECT, versions other than 1.0 and 1.1.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire/host_name.h"
#include "router/http_message.h"
#include "router/refusal.h"

namespace router {

/// Who asks, and where; for REMOTE_ADDR and SERVER_PORT.
struct HttpPeers {
  std::string remote_address;
  std::string remote_port;
  std::string server_port;
  bool secure = false;   ///< it came under TLS
  bool gone = false;     ///< it was before it could be asked who it is
  bool trusted = false;  ///< its word about whom it speaks for is believed
};

struct HttpRequest {
  std::string_view method;
  std::string_view target;  ///< as sent: REQUEST_URI
  std::string_view path;    ///< not yet decoded
  std::string_view query;
  std::string_view authority;  ///< host and port as sent
  std::string host;            ///< normalised
  std::vector<HttpField> fields;
  int version_minor = 1;
  bool chunked = false;
  uint64_t content_length = 0;
  bool has_length = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool upgrade = false;  ///< another protocol is asked for, and may be

  bool is_head() const { return method == "HEAD"; }
};

/// Checks a message whose head is whole; the result's views point where the message's do.
std::expected<HttpRequest, Refusal> check_request(const HttpMessage& message);

/// Whether a Connection field asks for what the Upgrade field names (RFC 9110, 7.8).
bool names_upgrade(std::string_view connection);
/// Whether a protocol may be switched to behind the router: any but h2c, in which further
/// requests would pass unseen.
bool is_passed_on(std::string_view upgrade);

/// The refusal for a message that the parser found broken.
Refusal refusal_of_broken(const HttpMessage& message);

/// The packet for the worker, or 431 if the head does not fit into one.
std::expected<std::string, Refusal> make_packet(const HttpRequest& request,
                                                const HttpPeers& peers);

/// "%41" -> "A"; an invalid escape stays as it is.
std::string url_decoded(std::string_view text);

}  // namespace router
