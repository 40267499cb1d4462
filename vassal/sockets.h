// Sockets of the vassal's own: which ones it gets, what is spoken there, and which of
// them the router relays to. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vassal/build.h"

namespace vassal {

/// "uwsgi", "http" ("http11"), "fastcgi", "scgi": uWSGI's words.
std::optional<SocketProtocol> parse_socket_protocol(std::string_view word);

/// Makes the config's sockets out of what was collected, once it is known whether there
/// is a command: applications of ours speak uwsgi and nothing else.
void settle_sockets(ConfigBuild& build);

/// Where the router reaches a command.
struct RelayTarget {
  std::string address;  ///< "/path", "@abstract", "host:port", "[v6]:port"
  SocketProtocol protocol = SocketProtocol::uwsgi;
  friend bool operator==(const RelayTarget&, const RelayTarget&) = default;
};
/// The first socket with a known address (not port 0), as seen from this machine; nothing
/// without a command, whose requests are handed over.
std::optional<RelayTarget> relay_target(const VassalConfig& config);

}  // namespace vassal
