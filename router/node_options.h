// The part of the command line that says where nodes are, besides subscriptions: uWSGI's
// fastrouter-* options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "router/options.h"

namespace router {

void add_node_options(CLI::App& app, Options& options);

/// What of `options` has no effect beside the rest; empty if all has.
std::string unused_mapper(const Options& options);

}  // namespace router
