#include "vassal/sockets.h"

#include <algorithm>

#include <fmt/core.h>

#include "vassal/address.h"

namespace vassal {

namespace {

/// What the option's own name says is spoken there; nothing for `socket`.
std::optional<SocketProtocol> protocol_of(std::string_view key) {
  const size_t dash = key.find('-');
  return dash == key.npos ? std::nullopt : parse_socket_protocol(key.substr(0, dash));
}

void add_socket(ConfigBuild& build,
                const base::Setting& s,
                std::optional<SocketProtocol> protocol) {
  auto address = parse_socket_address(s.value, build.socket_directory);
  if (!address) return build.error(s, s.key + ": " + address.error().message());
  auto& sockets = build.config.sockets;
  if (std::ranges::count(sockets, address->text, &SocketAddress::text) > 0)
    return build.warn(s, fmt::format("'{}' stands here twice", address->text));
  address->protocol = protocol.value_or(SocketProtocol::uwsgi);
  sockets.push_back(*std::move(address));
}

/// The address under which a connection from this machine comes in.
std::string address_from_here(const SocketAddress& socket) {
  if (socket.kind != SocketAddress::Kind::tcp)
    return socket.kind == SocketAddress::Kind::abstract ? "@" + socket.path : socket.path;
  const bool v6 = socket.host.find(':') != socket.host.npos;
  if (v6)
    return fmt::format("[{}]:{}", socket.host == "::" ? "::1" : socket.host, socket.port);
  const bool any = socket.host.empty() || socket.host == "0.0.0.0";
  return fmt::format("{}:{}", any ? "127.0.0.1" : socket.host, socket.port);
}

}  // namespace

std::string_view name_of(SocketProtocol protocol) {
  switch (protocol) {
    case SocketProtocol::uwsgi:
      return "uwsgi";
    case SocketProtocol::http:
      return "http";
    case SocketProtocol::fastcgi:
      return "fastcgi";
    case SocketProtocol::scgi:
      return "scgi";
  }
  return "uwsgi";
}

std::optional<SocketProtocol> parse_socket_protocol(std::string_view word) {
  if (word == "uwsgi") return SocketProtocol::uwsgi;
  if (word == "http" || word == "http11") return SocketProtocol::http;
  if (word == "fastcgi") return SocketProtocol::fastcgi;
  if (word == "scgi") return SocketProtocol::scgi;
  return std::nullopt;
}

void settle_sockets(ConfigBuild& build) {
  const bool command = !build.config.command.empty();
  const auto common = build.protocol ? parse_socket_protocol(build.protocol->value)
                                     : std::optional<SocketProtocol>();
  if (!command && common && *common != SocketProtocol::uwsgi)
    build.warn(*build.protocol,
               fmt::format("{} = {} has no effect without command: our workers speak "
                           "uwsgi on their sockets, and the emperor's fastrouter does "
                           "HTTP (router-http)",
                           build.protocol->key, build.protocol->value));
  for (const base::Setting& s : build.sockets) {
    const auto own = protocol_of(s.key);
    if (!command && own && *own != SocketProtocol::uwsgi)
      build.warn(s, fmt::format("{} has no effect without command: our workers speak "
                                "uwsgi on their sockets; the emperor's fastrouter does "
                                "HTTP (router-http)",
                                s.key));
    else
      add_socket(build, s, own ? own : command ? common : std::nullopt);
  }
}

std::optional<RelayTarget> relay_target(const VassalConfig& config) {
  if (config.command.empty()) return std::nullopt;
  for (const auto& socket : config.sockets)
    if (socket.kind != SocketAddress::Kind::tcp || socket.port != 0)
      return RelayTarget{address_from_here(socket), socket.protocol};
  return std::nullopt;
}

}  // namespace vassal
