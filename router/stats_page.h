// The figures of a router for people and programs: uWSGI's fastrouter statistics, field
// by field, with ours beside them, and the text of Prometheus. Pure but for who we are.
#pragma once

#include <string>
#include <vector>

#include "base/wire/router_figures.h"
#include "router/node_finder.h"
#include "router/subscriptions.h"

namespace router {

struct StatsView {
  std::vector<std::string> addresses;  ///< where it listens
  const Subscriptions& subscriptions;
  const NodeFinder& finder;
  bool hears_subscriptions = false;
  bool cheap = false;                  ///< it does not accept now
  const wire::RouterFigures& figures;  ///< of all processes
  base::Instant now;
};

/// One object. Times are Unix seconds. Names that a peer chose are valid UTF-8 there.
std::string stats_json(const StatsView& view);

/// Families by host; nodes' figures are in the JSON alone.
std::string metrics_page(const wire::RouterFigures& figures);

}  // namespace router
