// The scoreboard: one memfd per generation of a vassal, one cache line per worker.
//
// Written by the workers (each its own line, plain relaxed stores), read by the vassal's
// master, the emperor and the router, who map it read-only. It is the tenant's word:
// shown and used for scaling, never to bill or to protect others. The memfd is sealed
// against resizing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wire {

enum class WorkerState : uint32_t { absent, starting, idle, busy, leaving };

struct alignas(64) WorkerLine {
  std::atomic<uint64_t> taken;     ///< requests begun, all lives of this worker slot
  std::atomic<uint64_t> finished;  ///< requests ended, however
  std::atomic<uint64_t> since_ns;  ///< CLOCK_MONOTONIC of the last change of state
  std::atomic<uint64_t> bytes;     ///< response bytes, head included
  std::atomic<uint32_t> pid;       ///< 0 while nobody sits here
  std::atomic<WorkerState> state;
  std::atomic<uint32_t> status[5];  ///< answers 1xx ... 5xx
};
static_assert(sizeof(WorkerLine) == 64 && std::atomic<uint64_t>::is_always_lock_free);

struct Scoreboard {
  static constexpr uint32_t kMaxWorkers = 1023;

  alignas(64) std::atomic<uint32_t> workers;  ///< lines in use
  std::atomic<uint32_t>
      master_asleep;               ///< 1: the master wants a poke at the next request
  std::atomic<uint32_t> respawns;  ///< workers that died and were replaced
  std::atomic<uint32_t> ready;     ///< 1 before the lifeline says so: for an emperor that
                                   ///< came too late to hear it

  /// The line of worker `index` (from 0); the mapping must hold size_for(index + 1)
  /// bytes.
  WorkerLine& line(uint32_t index) {
    return reinterpret_cast<WorkerLine*>(this + 1)[index];
  }
  const WorkerLine& line(uint32_t index) const {
    return reinterpret_cast<const WorkerLine*>(this + 1)[index];
  }
  static constexpr size_t size_for(uint32_t workers) {
    return sizeof(Scoreboard) + workers * sizeof(WorkerLine);
  }
};

}  // namespace wire
