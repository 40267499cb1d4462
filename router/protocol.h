// What a backend speaks. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace router {

enum class Protocol : uint8_t { uwsgi, http, fastcgi, scgi };

/// By its name, or by the one letter that the `proto` field of a subscription has: u, h,
/// f, s. Nothing for other words.
std::optional<Protocol> parse_protocol(std::string_view text);
std::string_view name_of(Protocol protocol);

}  // namespace router
