// What a vassal says of itself to routers that are not its emperor's (`subscribe-to`):
// uWSGI's subscription packets. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vassal/config.h"

namespace vassal {

/// One of the vassal's listening sockets, as routers reach it.
struct OwnAddress {
  std::string text;  ///< "/path", "@abstract", "host:port"
  SocketProtocol protocol = SocketProtocol::uwsgi;
};
/// `bound_port`: the port of the socket itself, for those that asked for any (port 0).
OwnAddress own_address(const SocketAddress& socket, uint16_t bound_port);

/// Whether a subscription is to be sent at all: it goes to somebody else's router, by
/// its name there.
bool is_sent(const Subscription& subscription);

/// The circumstances of a packet.
struct Moment {
  uint64_t unix_time = 0;
  uint64_t load = 0;   ///< connections that wait
  bool leave = false;  ///< unsubscribe
};
/// The packet, unsigned; nothing if it does not fit, or if it announces a socket that
/// the vassal does not have. `own`: its sockets, in the order of the file.
std::optional<std::string> announcement(const VassalConfig& config,
                                        const Subscription& subscription,
                                        const std::vector<OwnAddress>& own,
                                        const Moment& moment);
/// What a signature is over: all of an unsigned packet but its header.
std::string_view signed_part(std::string_view packet);
/// The packet with its signature; nothing if it does not fit.
std::optional<std::string> with_signature(std::string_view packet,
                                          std::string_view signature);

}  // namespace vassal
