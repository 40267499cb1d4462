#include "router/protocol.h"

#include <array>

namespace router {

namespace {

// By the value of Protocol. No two begin with the same letter.
constexpr std::array<std::string_view, 4> kNames{"uwsgi", "http", "fastcgi", "scgi"};

}  // namespace

std::optional<Protocol> parse_protocol(std::string_view text) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (text == kNames[i] || text == kNames[i].substr(0, 1))
      return static_cast<Protocol>(i);
  return std::nullopt;
}

std::string_view name_of(Protocol protocol) {
  return kNames[static_cast<size_t>(protocol)];
}

}  // namespace router
