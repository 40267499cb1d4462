// Patterns of host names: what an operator allows somebody to claim. Pure.
#pragma once

#include <string_view>

namespace wire {

/// Whether `pattern` allows to claim `domain`, both as normalise_domain() gives them:
/// "a.example" allows itself, "*.example" everything below example (wildcards, too) but
/// not example itself, "*" everything.
bool covers(std::string_view pattern, std::string_view domain);

}  // namespace wire
