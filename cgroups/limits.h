// Limits: what a vassal may use, as plain values. Pure data; the tables in settings.*
// turn them into controller files of cgroup v1 and v2 (kernel docs:
// admin-guide/cgroup-v2, cgroup-v1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cgroups {

/// Fields that are empty are not limited.
struct Limits {
  std::optional<uint64_t> memory_max;  ///< bytes; beyond it the OOM killer comes
  std::optional<uint64_t>
      memory_high;  ///< bytes; beyond it reclaim and throttling (v2 only)
  std::optional<uint32_t> cpu_max_percent;  ///< of one CPU: 50, 200
  std::optional<uint32_t> cpu_weight;       ///< 1..10000, 100 = everybody's default
  std::optional<uint64_t> pids_max;         ///< processes and threads
  /// uWSGI's `cgroup-opt = key=value` that no field above stands for: (file, value),
  /// written as is where the controller has that file.
  std::vector<std::pair<std::string, std::string>> raw;
  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace cgroups
