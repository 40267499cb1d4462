// Turning away: whoever waits at a listening socket of a vassal that does not start is
// told so, instead of waiting until he gives up.
#pragma once

namespace emperor {

/// Answers 503 with Retry-After to the connections that wait at `listener` now, a bounded
/// number of them, without reading what they ask. Never waits. Returns how many.
unsigned turn_away(int listener, unsigned retry_after_seconds);

}  // namespace emperor
