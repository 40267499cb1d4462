// Turning away: whoever waits at a listening socket of a vassal that does not start is
// told so, instead of waiting until he gives up.
#pragma once

#include "base/fd.h"
#include "base/uv/loop.h"

namespace emperor {

/// Answers 503 with Retry-After to the connections that wait at `listener` now, a bounded
/// number of them. A short-lived child does it: whether an accept waits is a flag that
/// the tenant's processes share, and nobody here may wait for them.
uvx::Task<void> turn_away(uvx::Loop& loop,
                          base::Fd listener,
                          unsigned retry_after_seconds);

}  // namespace emperor
