// The figures of this process, as they are told to others.
#pragma once

#include "base/wire/router_figures.h"
#include "router/ledger.h"
#include "router/node_finder.h"
#include "router/subscriptions.h"

namespace router {

/// What hosts without an entry of their own are called in metrics: no name of a host.
inline constexpr char kOtherHosts[] = "(other)";

/// `sessions`: what is under way now.
wire::RouterFigures figures_of(const Ledger& ledger,
                               const Subscriptions& subscriptions,
                               const NodeFinder& finder,
                               size_t sessions);

}  // namespace router
