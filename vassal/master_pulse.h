// Pulse: the two things that a master says about its workers' progress without being
// asked: heartbeats, if the vassal promised them, and to uWSGI's emperor that a first
// request was answered. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace vassal {

/// What the scoreboard says of all workers together.
struct Progress {
  uint64_t finished = 0;  ///< requests
  uint64_t turns = 0;     ///< of event loops that serve many requests at once
  bool any_idle = false;  ///< some worker could take a request
};

class Pulse {
 public:
  struct Due {
    bool heartbeat = false;
    bool loyal = false;
  };

  /// From now on. `heartbeat`: the promised interval, zero without one; `loyalty`:
  /// whether somebody wants to know about the first request.
  void start(std::chrono::seconds heartbeat, bool loyalty, base::Instant now);
  /// When to look at the workers next.
  std::optional<base::Instant> next() const;
  /// What is to be said now. The first heartbeat says that there will be others; after it
  /// there is none while every worker holds the request that it held at the last look,
  /// and none turns its event loop: then the vassal is stuck, or its requests take longer
  /// than whoever promised heartbeats expected.
  Due look(const Progress& progress, base::Instant now);

 private:
  std::chrono::seconds interval_{0};
  std::optional<base::Instant> beat_at_;
  std::optional<base::Instant> loyalty_at_;
  bool first_ = true;
  uint64_t moved_ = 0;  // finished and turns, at the last look
};

}  // namespace vassal
