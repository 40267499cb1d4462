// Host names: the one grammar that the router's table, the claims of vassals and the
// check of ini files share (RFC 1123 labels, plus '_' that real names use).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace wire {

/// The name of a Host header: lower-case, without port and trailing dot. IPv6 literals
/// keep their brackets. Nothing if it is not a host name (empty, '/', spaces, over 253
/// bytes, empty labels).
std::optional<std::string> normalise_host(std::string_view host);

/// Room for the longest name, its root dot included.
using HostBuffer = std::array<char, 256>;
/// The same without allocation: the name stands in `buffer`.
std::optional<std::string_view> normalise_host(std::string_view host, HostBuffer& buffer);

/// A name or "*.suffix" as a vassal claims it, normalised; nothing if it is neither.
std::optional<std::string> normalise_domain(std::string_view domain);

}  // namespace wire
