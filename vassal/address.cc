#include "vassal/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/ini.h"
#include "base/values.h"
#include "base/wire/host_name.h"

namespace vassal {

namespace {

using base::fail;

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

base::Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  const auto port = base::parse_unsigned(text);
  if (!port || *port > 65535)
    return fail(quoted(whole) + " has no port between 0 and 65535");
  return static_cast<uint16_t>(*port);
}

bool is_v4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}
bool is_v6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

base::Result<SocketAddress> parse_tcp(std::string_view text) {
  SocketAddress out;
  out.kind = SocketAddress::Kind::tcp;
  out.text = text;
  const size_t colon = text.rfind(':');
  TRY_ASSIGN(out.port, parse_port(text.substr(colon + 1), text));
  out.host = std::string(text.substr(0, colon));
  if (out.host == "localhost") out.host = "127.0.0.1";
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
    if (!is_v6(out.host))
      return fail(quoted(text) + " has no IPv6 address between the brackets");
  } else if (!out.host.empty() && !is_v4(out.host)) {
    return fail(quoted(text) + ": the host must be a numeric address (IPv6 in brackets)");
  }
  return out;
}

base::Result<SocketAddress> parse_unix(std::string_view text,
                                       std::string_view directory) {
  SocketAddress out;
  const bool abstract = text.starts_with('@') || text.starts_with("\\0");
  if (abstract) {
    out.kind = SocketAddress::Kind::abstract;
    out.path = std::string(text.substr(text.front() == '@' ? 1 : 2));
    if (out.path.empty()) return fail("an abstract socket needs a name behind '@'");
  } else {
    const bool absolute = text.starts_with('/') || directory.empty();
    out.path =
        absolute ? std::string(text) : std::string(directory) + "/" + std::string(text);
  }
  if (out.path.size() > kLongestSocketPath)
    return fail("socket path has " + std::to_string(out.path.size()) +
                " bytes, at most " + std::to_string(kLongestSocketPath) +
                " are possible: " + out.path);
  out.text = abstract ? "@" + out.path : out.path;
  return out;
}

std::optional<std::string> unsupported(std::string_view text) {
  if (text.starts_with("fd://")) return "descriptors given from outside are not taken: ";
  if (text.starts_with('=')) return "shared sockets are not taken: ";
  if (text == "::") return "descriptor 0 is not taken: ";
  if (text.find('*') != text.npos && !text.starts_with('/') &&
      text.find(':') != text.npos)
    return "an address pattern is not taken, write the address: ";
  return std::nullopt;
}

}  // namespace

base::Result<SocketAddress> parse_socket_address(std::string_view text,
                                                 std::string_view directory) {
  if (text.empty()) return fail("a socket needs an address");
  if (text.find('\0') != text.npos) return fail("a socket address has no NUL bytes");
  if (const auto why = unsupported(text)) return fail(*why + std::string(text));
  const bool unix_name =
      text.front() == '/' || text.front() == '@' || text.starts_with("\\0");
  if (unix_name || text.find(':') == text.npos) return parse_unix(text, directory);
  return parse_tcp(text);
}

namespace {

base::Result<Subscription> finished(Subscription s, std::string_view whole) {
  if (s.key.empty()) return fail(quoted(whole) + " names no key");
  if (auto domain = wire::normalise_domain(s.key)) s.domain = *std::move(domain);
  return s;
}

/// Where the server ends in "server:key": a unix path has no ':', anything else has a
/// port.
size_t end_of_server(std::string_view text) {
  if (text.starts_with('/')) return text.find(':');
  const size_t port = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  return port == text.npos ? port : text.find(':', port + 1);
}

}  // namespace

namespace {

/// The text in front of the next comma, which is taken off, too.
std::string_view take_item(std::string_view& rest) {
  const size_t end = std::min(rest.find(','), rest.size());
  const auto item = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return item;
}

/// "DIGEST:FILE"
void take_sign(std::string_view text, Subscription& s) {
  const size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return;
  s.sign_digest = text.substr(0, colon);
  s.sign_key = text.substr(colon + 1);
}

void take_modifier1(std::string_view text, Subscription& s) {
  const auto number = base::parse_unsigned(text);
  if (number && *number <= 255) s.modifier1 = static_cast<uint8_t>(*number);
}

/// What stands in front of the server: the address to announce, or "=N", its number.
void take_announced(std::string_view text, Subscription& s) {
  if (!text.starts_with('=')) {
    s.address = text;
  } else if (const auto number = base::parse_unsigned(text.substr(1))) {
    s.socket = static_cast<uint32_t>(std::min<uint64_t>(*number, UINT32_MAX));
  }
}

/// One `name=value` of subscribe2.
void take_pair(std::string_view name, std::string_view value, Subscription& s) {
  const uint64_t number = base::parse_unsigned(value).value_or(0);
  if (name == "server") s.server = value;
  if (name == "key") s.key = value;
  if (name == "addr" || name == "address") s.address = value;
  if (name == "socket") take_announced("=" + std::string(value), s);
  if (name == "weight") s.weight = number;
  if (name == "backup") s.backup = number;
  if (name == "modifier1") take_modifier1(value, s);
  if (name == "modifier2") s.modifier2 = static_cast<uint8_t>(number);
  if (name == "algo") s.algo = value;
  if (name == "proto") s.proto = value;
  if (name == "check") s.check = value;
  if (name == "sign") take_sign(value, s);
}

}  // namespace

base::Result<Subscription> parse_subscribe_to(std::string_view text) {
  std::string_view rest = text;
  Subscription s;
  const size_t equals = rest.find('=', rest.starts_with('=') ? 1 : 0);
  if (equals != rest.npos && (rest.starts_with('=') || equals < rest.find(','))) {
    take_announced(rest.substr(0, equals), s);
    rest.remove_prefix(equals + 1);
  }
  const size_t colon = end_of_server(rest);
  if (colon == rest.npos) return fail(quoted(text) + " is not SERVER:KEY");
  s.server = std::string(rest.substr(0, colon));
  rest.remove_prefix(colon + 1);
  s.key = take_item(rest);
  if (!rest.empty()) take_modifier1(take_item(rest), s);
  take_sign(rest, s);
  return finished(std::move(s), text);
}

base::Result<Subscription> parse_subscribe2(std::string_view text) {
  Subscription s;
  for (std::string_view rest = text; !rest.empty();) {
    const auto item = take_item(rest);
    const size_t equals = std::min(item.find('='), item.size());
    take_pair(base::strip(item.substr(0, equals)),
              base::strip(item.substr(std::min(equals + 1, item.size()))), s);
  }
  return finished(std::move(s), text);
}

namespace {

/// Its port, and its host if that is another machine.
std::string plain_router(std::string_view text) {
  if (text.starts_with('/')) return std::string(text);
  const size_t colon = std::min(text.rfind(':'), text.size());
  const auto host = text.substr(0, colon);
  const bool here = host.empty() || host == "0.0.0.0" || host == "localhost" ||
                    host == "[::]" || host == "[::1]" || host.starts_with("127.");
  return (here ? "127.0.0.1" : std::string(host)) + std::string(text.substr(colon));
}

}  // namespace

bool same_router(std::string_view a, std::string_view b) {
  return plain_router(a) == plain_router(b);
}

bool is_own_router(std::string_view server, std::string_view own) {
  if (own == kNoRouter) return false;
  if (server.empty()) return true;
  if (own != kLocalRouter) return same_router(own, server);
  return server.starts_with('/') || server.starts_with('@') ||
         plain_router(server).starts_with("127.0.0.1");
}

}  // namespace vassal
