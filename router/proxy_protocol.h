// The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): how a load
// balancer says, before anything else, for whom it connects. Pure.
//
// Whether a peer may say so is decided elsewhere. Of version 2 the TLVs are skipped; a
// command or family that the text does not name is a fault.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace router {

struct ProxyHeader {
  size_t size = 0;  ///< bytes of it; what follows is the client's
  bool known =
      false;  ///< false: LOCAL, UNKNOWN or UNSPEC: the connection speaks for itself
  /// Numeric, in the form of inet_ntop(3); empty for a client of a unix socket.
  std::string source_address = {};
  std::string source_port = {};
  std::string destination_address = {};
  std::string destination_port = {};
};

/// The header that `bytes` begin with; nothing if more is needed; what is wrong with it.
/// Never needs more than kMaxProxyHeader bytes.
std::expected<std::optional<ProxyHeader>, std::string_view> read_proxy_header(
    std::string_view bytes);

/// Of a version 2 header with its TLVs; version 1 has 107 at most.
inline constexpr size_t kMaxProxyHeader = 16 + 8192;

}  // namespace router
