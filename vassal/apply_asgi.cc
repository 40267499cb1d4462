// The options of applications that serve many requests at once.
#include <algorithm>

#include <fmt/core.h>

#include "vassal/apply.h"

namespace vassal {

using base::Setting;

void apply_interface(ConfigBuild& build, const Setting& s) {
  if (s.value == "auto")
    build.config.interface = Interface::automatic;
  else if (s.value == "wsgi")
    build.config.interface = Interface::wsgi;
  else if (s.value == "asgi")
    build.config.interface = Interface::asgi;
  else
    build.error(s, fmt::format("interface = {}: write auto, wsgi or asgi", s.value));
}

void apply_asgi_connections(ConfigBuild& build, const Setting& s) {
  const auto number = number_of(build, s);
  if (number) build.config.asgi_connections = std::max(clamp_to(*number, 1'000'000), 1U);
}

void apply_websockets_max_size(ConfigBuild& build, const Setting& s) {
  constexpr uint64_t kMostKilobytes = uint64_t{1} << 20;
  if (const auto number = number_of(build, s))
    build.config.websockets_max_size = std::clamp(*number, uint64_t{1}, kMostKilobytes)
                                       << 10;
}

}  // namespace vassal
