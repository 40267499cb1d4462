#include "router/http_request.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/wire/uwsgi_packet.h"
#include "router/http_field.h"
#include "router/request_head.h"

namespace router {

namespace {

constexpr Refusal kBadName{400, "A header has a name with invalid characters."};
constexpr Refusal kBadEncoding{400, "The Transfer-Encoding of the request is not valid."};
constexpr Refusal kUnknownEncoding{400,
                                   "Only the transfer encoding chunked is known here."};
constexpr Refusal kNoHost{400, "The request names no host, or more than one."};
constexpr Refusal kBadTarget{400, "The target of the request is not valid."};
constexpr Refusal kBadMethod{405, "This method is not served here."};
constexpr Refusal kBadVersion{505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
constexpr Refusal kBadExpectation{417, "Only 100-continue can be expected."};

/// What is checked about fields of which there may be one at most.
struct Singles {
  std::optional<std::string_view> host;
  std::optional<std::string_view> length;
  std::optional<std::string_view> encoding;
  std::optional<std::string_view> expect;
  bool repeated_host = false;
  bool repeated_framing = false;
};

Singles find_singles(const std::vector<HttpField>& fields) {
  Singles found;
  for (const HttpField& field : fields) {
    if (same_name(field.name, "Host")) {
      found.repeated_host |= found.host.has_value();
      found.host = trimmed(field.value);
    } else if (same_name(field.name, "Content-Length")) {
      found.repeated_framing |= found.length.has_value();
      found.length = trimmed(field.value);
    } else if (same_name(field.name, "Transfer-Encoding")) {
      found.repeated_framing |= found.encoding.has_value();
      found.encoding = trimmed(field.value);
    } else if (same_name(field.name, "Expect")) {
      found.expect = trimmed(field.value);
    }
  }
  return found;
}

std::optional<Refusal> check_framing(const Singles& found, HttpRequest& request) {
  if (found.repeated_framing) return refusals::kBadLength;
  if (found.encoding) {
    if (found.length || request.version_minor == 0) return kBadEncoding;
    if (!same_name(*found.encoding, "chunked")) return kUnknownEncoding;
    request.chunked = true;
  }
  if (found.length) {
    const auto length = parse_content_length(*found.length);
    if (!length) return length.error();
    request.content_length = *length;
    request.has_length = true;
  }
  if (found.expect && request.version_minor > 0) {
    if (!same_name(*found.expect, "100-continue")) return kBadExpectation;
    request.expects_continue = true;
  }
  return std::nullopt;
}

bool asks_upgrade(const HttpRequest& request) {
  bool said = false;
  bool named = false;
  bool passed = true;
  for (const HttpField& field : request.fields) {
    if (same_name(field.name, "Connection")) said |= names_upgrade(field.value);
    if (!same_name(field.name, "Upgrade")) continue;
    named = true;
    passed &= is_passed_on(field.value);
  }
  const bool body = request.chunked || request.content_length > 0;
  return said && named && passed && !body && request.version_minor > 0;
}

/// Splits the target; an absolute one ("http://host/path") brings its own authority.
std::optional<Refusal> split_target(HttpRequest& request) {
  std::string_view rest = request.target;
  if (const size_t scheme = rest.find("://");
      !rest.starts_with('/') && scheme != std::string_view::npos) {
    rest.remove_prefix(scheme + 3);
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    request.authority = rest.substr(0, end);
    if (request.authority.empty()) return kBadTarget;
    rest.remove_prefix(end);
  } else if (!rest.starts_with('/') && !(rest == "*" && request.method == "OPTIONS")) {
    return kBadTarget;
  }
  rest = rest.substr(0, rest.find('#'));
  const size_t mark = rest.find('?');
  request.path = rest.substr(0, mark);
  if (request.path.empty()) request.path = "/";
  if (mark != std::string_view::npos) request.query = rest.substr(mark + 1);
  return std::nullopt;
}

std::optional<Refusal> check_host(const Singles& found, HttpRequest& request) {
  if (found.repeated_host) return kNoHost;
  if (!found.host && request.version_minor > 0) return kNoHost;
  const std::string_view field = found.host.value_or("");
  // Both must be valid, though the target's wins.
  if (found.host && (!field.empty() || request.version_minor > 0) &&
      !wire::normalise_host(field))
    return refusals::kBadHost;
  if (request.authority.empty()) request.authority = field;
  if (request.authority.empty()) return std::nullopt;
  auto host = wire::normalise_host(request.authority);
  if (!host) return refusals::kBadHost;
  request.host = *std::move(host);
  return std::nullopt;
}

// ---- the packet
// -------------------------------------------------------------------------------

/// "Accept-Language" -> "HTTP_ACCEPT_LANGUAGE"
std::string variable_name(std::string_view field) {
  std::string name = "HTTP_";
  for (const char c : field)
    name.push_back(c == '-'               ? '_'
                   : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A')
                                          : c);
  return name;
}

/// Fields that never become a variable of their own: they are said otherwise, describe
/// this connection only, could be taken for a setting (httpoxy), or for another field
/// ('_' for '-').
bool is_left_out(std::string_view name) {
  constexpr std::array<std::string_view, 6> kLeftOut{
      "Content-Length", "Content-Type", "Transfer-Encoding", "Proxy", "Host", "Expect"};
  return name.find('_') != std::string_view::npos ||
         std::ranges::any_of(kLeftOut,
                             [&](auto other) { return same_name(name, other); });
}

/// Fields by which a proxy says for whom it speaks, and how he came: anybody can send
/// them.
bool is_proxys_word(std::string_view name) {
  constexpr std::string_view kPrefix = "X-Forwarded-";
  return same_name(name.substr(0, kPrefix.size()), kPrefix) ||
         same_name(name, "Forwarded") || same_name(name, "X-Real-IP");
}

/// All values of one field as one, as RFC 9110 and RFC 6265 join them.
std::string joined(const std::vector<HttpField>& fields, size_t first) {
  const std::string_view glue = same_name(fields[first].name, "Cookie") ? "; " : ", ";
  std::string value(trimmed(fields[first].value));
  for (size_t i = first + 1; i < fields.size(); ++i)
    if (same_name(fields[i].name, fields[first].name)) {
      value += glue;
      value += trimmed(fields[i].value);
    }
  return value;
}

bool add_fields(wire::PacketBuilder& packet,
                const std::vector<HttpField>& fields,
                const HttpPeers& peers) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (is_left_out(fields[i].name)) continue;
    if (!peers.trusted && is_proxys_word(fields[i].name)) continue;
    const auto same = [&](const HttpField& other) {
      return same_name(other.name, fields[i].name);
    };
    if (std::any_of(fields.begin(), fields.begin() + static_cast<ptrdiff_t>(i), same))
      continue;
    if (!packet.add(variable_name(fields[i].name), joined(fields, i))) return false;
  }
  return true;
}

/// Names without port, as SERVER_NAME has them; the address where no Host was given.
std::string_view server_name(const HttpRequest& request) {
  return request.host.empty() ? std::string_view("localhost")
                              : std::string_view(request.host);
}

}  // namespace

std::expected<HttpRequest, Refusal> check_request(const HttpMessage& message) {
  if (message.version_major() == 0) return std::unexpected(refusals::kMalformed);
  if (message.version_major() != 1 || message.version_minor() > 1)
    return std::unexpected(kBadVersion);
  HttpRequest request{.method = message.method(),
                      .target = message.target(),
                      .path = {},
                      .query = {},
                      .authority = {},
                      .host = {},
                      .fields = message.fields(),
                      .version_minor = message.version_minor()};
  request.keep_alive = message.keep_alive();
  if (request.method == "CONNECT") return std::unexpected(kBadMethod);
  for (const HttpField& field : request.fields)
    if (!is_token(field.name)) return std::unexpected(kBadName);
  const Singles found = find_singles(request.fields);
  if (auto refusal = check_framing(found, request)) return std::unexpected(*refusal);
  request.upgrade = asks_upgrade(request);
  if (auto refusal = split_target(request)) return std::unexpected(*refusal);
  if (auto refusal = check_host(found, request)) return std::unexpected(*refusal);
  return request;
}

bool names_upgrade(std::string_view connection) {
  return lists(connection, "upgrade");
}

bool is_passed_on(std::string_view upgrade) {
  return !upgrade.empty() && !lists(upgrade, "h2c");
}

Refusal refusal_of_broken(const HttpMessage& message) {
  return message.too_large() ? refusals::kHeadTooLarge : refusals::kMalformed;
}

std::expected<std::string, Refusal> make_packet(const HttpRequest& request,
                                                const HttpPeers& peers) {
  std::string content_type;
  for (size_t i = 0; i < request.fields.size() && content_type.empty(); ++i)
    if (same_name(request.fields[i].name, "Content-Type"))
      content_type = trimmed(request.fields[i].value);

  wire::PacketBuilder packet;
  bool fits = packet.add("REQUEST_METHOD", request.method) &&
              packet.add("REQUEST_URI", request.target) &&
              packet.add("SCRIPT_NAME", "") &&
              packet.add("PATH_INFO", url_decoded(request.path)) &&
              packet.add("QUERY_STRING", request.query) &&
              packet.add("SERVER_PROTOCOL",
                         request.version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1") &&
              packet.add("REQUEST_SCHEME", peers.secure ? "https" : "http") &&
              packet.add("SERVER_NAME", server_name(request)) &&
              packet.add("SERVER_PORT", peers.server_port) &&
              packet.add("REMOTE_ADDR", peers.remote_address) &&
              packet.add("REMOTE_PORT", peers.remote_port);
  if (peers.secure) fits = fits && packet.add("HTTPS", "on");
  if (!content_type.empty()) fits = fits && packet.add("CONTENT_TYPE", content_type);
  if (request.has_length)
    fits = fits && packet.add("CONTENT_LENGTH", std::to_string(request.content_length));
  if (!request.authority.empty())
    fits = fits && packet.add("HTTP_HOST", request.authority);
  fits = fits && add_fields(packet, request.fields, peers);
  if (!fits) return std::unexpected(refusals::kHeadTooLarge);
  return packet.bytes();
}

std::string url_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    if (!escape) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
    i += 2;
  }
  return out;
}

}  // namespace router
