// The emperor's figures in the text format of Prometheus, one sample per vassal and
// figure.
//
// Labels are names of vassals and states only, so their number is bounded by what the
// operator hosts. Requests, status classes and bytes are the tenant's word (its
// scoreboard).
#pragma once

#include <string>

#include "base/wire/tally_metrics.h"
#include "emperor/record.h"

namespace emperor {

/// The whole page, version 0.0.4 of the format.
std::string metrics_text(const Roster& roster);

using wire::escaped_label;

}  // namespace emperor
