// Worker slots: what the master remembers of each worker, and the decisions that need no
// process.
//
// Pure but for the descriptor that a slot owns. A slot outlives the workers that sit in
// it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "vassal/worker.h"

namespace vassal {

struct Slot {
  pid_t pid = 0;    ///< 0: empty
  base::Fd orders;  ///< the master's end of the pair
  base::Instant started;
  bool up = false;                          ///< it has loaded what it loads
  uint32_t quick_deaths = 0;                ///< in a row
  std::optional<base::Instant> respawn_at;  ///< empty slots only
  std::optional<base::Instant> kill_at;  ///< when the patience with a leaving worker ends
  bool overdue = false;                  ///< killed because a request took too long
};

/// How long to wait before another worker takes the place of one that died after `lived`.
/// At once, unless they keep dying young: then 0.1 s, doubled up to 5 s. Counts in
/// `quick_deaths`.
base::Duration respawn_delay(base::Duration lived, uint32_t& quick_deaths);

/// Begin of the oldest request that the worker holds; nothing if it holds none.
std::optional<base::Instant> oldest_request(const WorkerPage& page, uint32_t threads);

/// The earliest moment at which a slot wants attention.
std::optional<base::Instant> next_event(std::span<const Slot> slots);

/// Milliseconds for epoll_wait(2): -1 without an event, rounded up so that it has come
/// then.
int wait_ms(std::optional<base::Instant> at, base::Instant now);

}  // namespace vassal
