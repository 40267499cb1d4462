// Usage: what a group has consumed, and the pure parsing of the files it is read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cgroups {

/// Figures of one vassal's group. 0 where the machine has no controller that knows.
struct Usage {
  uint64_t memory_bytes = 0;
  double cpu_seconds = 0;
  uint64_t oom_kills =
      0;  ///< processes that the OOM killer took because of this group's limit
  uint64_t pids = 0;  ///< processes and threads alive
};

/// A file that holds one number.
std::optional<uint64_t> parse_number(std::string_view text);

/// The number of `key` in a file of "key number" lines (cpu.stat, memory.events).
std::optional<uint64_t> parse_flat_keyed(std::string_view text, std::string_view key);

}  // namespace cgroups
