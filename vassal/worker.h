// Worker: one forked process that serves requests until it is told to leave.
//
// The servers (one per thread), the orders of the master, the signals, the number of
// requests after which it is recycled. Ends with an exit code and never returns into the
// master's code.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vassal/config.h"
#include "vassal/intake.h"
#include "vassal/runtime.h"
#include "vassal/scoreboard.h"

namespace vassal {

/// What master and worker say on the socketpair between them. Its end means that the
/// master died.
namespace order {
inline constexpr std::string_view kPoke = "poke";    ///< look at your sources again
inline constexpr std::string_view kDrain = "drain";  ///< finish what you hold, then go
inline constexpr std::string_view kUp = "up";  ///< worker: the application is loaded here
inline constexpr std::string_view kLeaves = "leaves";  ///< worker: of its own accord
inline constexpr std::string_view kFailed =
    "failed ";  ///< worker: it did not load; then the reason
}  // namespace order

/// Memory that the master shares with one worker: cheaper to look at than a descriptor,
/// and out of reach of whoever else holds the scoreboard.
struct alignas(64) WorkerPage {
  static constexpr uint32_t kMaxThreads = 62;
  std::atomic<uint64_t> leave;  ///< not 0: go after the request at hand
  std::atomic<uint64_t>
      pulses[kMaxThreads];      ///< when each thread's request began, ns; 0: none
  std::atomic<uint64_t> turns;  ///< seconds in which the application's event loop ran
};

struct WorkerPlan {
  const VassalConfig& config;
  Runtime* runtime;  ///< null: static files only
  std::span<const std::string> prefixes;
  const Sockets& sockets;
  wire::Scoreboard& board;
  WorkerPage& page;
  uint32_t index;   ///< from 0
  int master_poke;  ///< eventfd
  int orders;       ///< our end of the pair
};

/// Serves until it shall leave. Returns the exit code of the process.
int run_worker(const WorkerPlan& plan);

}  // namespace vassal
