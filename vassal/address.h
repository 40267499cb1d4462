// The address forms of `socket =`, and the router's address in a subscription. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "vassal/config.h"

namespace vassal {

/// The longest path of a unix socket (sockaddr_un without its NUL).
inline constexpr size_t kLongestSocketPath = 107;

/// `/path`, `name`, `@abstract`, `host:port`, `:port`, `[v6]:port`; a relative path
/// starts at `directory`. The error says what is wrong with it.
base::Result<SocketAddress> parse_socket_address(std::string_view text,
                                                 std::string_view directory);

/// `[announced=]server:key[,modifier1[,sign]]`.
base::Result<Subscription> parse_subscribe_to(std::string_view text);
/// `server=ADDR,key=NAME,...`.
base::Result<Subscription> parse_subscribe2(std::string_view text);

/// Whether a subscription to `server` is one to this machine's own router, of which `own`
/// is an address. kLocalRouter: there is one, and whatever is on this machine means it;
/// kNoRouter: there is none.
inline constexpr std::string_view kLocalRouter = "local";
inline constexpr std::string_view kNoRouter = "none";
bool is_own_router(std::string_view server, std::string_view own);

/// Whether two ways to write a router's address mean the same: 0.0.0.0, localhost, no
/// host at all and 127.0.0.1 do.
bool same_router(std::string_view a, std::string_view b);

}  // namespace vassal
