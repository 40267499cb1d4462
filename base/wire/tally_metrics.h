// Tallies in the text format of Prometheus, for a router that runs alone and for the
// emperor, who adds up those of all routers. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/wire/tally.h"

namespace wire {

/// By host name or name of vassal.
using Tallies = std::map<std::string, Tally, std::less<>>;

/// Appends "imperium_router_LABEL_..." of each, with the key as LABEL's value. What is
/// zero everywhere in a family of causes, classes or times is left out.
void append_metrics(std::string* out, std::string_view label, const Tallies& tallies);

/// A label's value with what the format reserves escaped.
std::string escaped_label(std::string_view value);

}  // namespace wire
