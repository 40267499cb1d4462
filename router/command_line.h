// The command line of fastrouter, and the uWSGI ini file that it may name.
#pragma once

#include <optional>
#include <span>

#include "router/options.h"

namespace router {

/// Reads argv (its first entry is the program). An exit code if there is nothing to run:
/// help was asked for, or something was wrong and has been said on standard error.
std::optional<int> parse_command_line(std::span<char* const> given, Options& options);

}  // namespace router
