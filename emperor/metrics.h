// The emperor's figures in the text format of Prometheus, one sample per vassal and
// figure.
//
// Labels are names of vassals, states and causes, so their number is bounded by what the
// operator hosts; hosts are as many as stats-hosts allows. Requests, status classes and
// bytes are the tenant's word (its scoreboard).
#pragma once

#include <string>

#include "base/wire/router_figures.h"
#include "emperor/record.h"

namespace emperor {

/// The whole page, version 0.0.4 of the format. `routers`: the sum of all of them.
std::string metrics_text(const Roster& roster, const wire::RouterFigures& routers);

using wire::escaped_label;

}  // namespace emperor
