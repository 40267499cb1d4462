// Settings: the tables that turn Limits into controller files of cgroup v1 and v2, and
// the comparison of what was written with what the kernel says it took. Pure: no file is
// touched.
//
// Sources: kernel admin-guide/cgroup-v2 and cgroup-v1/*. cpu-weight maps onto v1's
// cpu.shares as the kernel and systemd do it: weight 100 is 1024 shares.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cgroups/limits.h"

namespace cgroups {

enum class Version { v1, v2 };

/// Which hierarchy version carries each controller of this machine ("memory" -> v1).
using Controllers = std::map<std::string, Version, std::less<>>;

/// One value for one controller file.
struct FileValue {
  std::string controller;
  std::string file;
  std::string value;
  friend bool operator==(const FileValue&, const FileValue&) = default;
};

/// A limit that this machine cannot hold, and why: an error under `cgroups = required`,
/// else a warning.
struct Unsupported {
  std::string limit;
  std::string reason;
  /// "memory-high: cgroup v1 has no such limit"
  std::string message() const { return limit + ": " + reason; }
};

struct Settings {
  std::vector<FileValue> values;    ///< in the order in which they have to be written
  std::vector<FileValue> optional;  ///< raw ones: written where the file exists
  std::vector<Unsupported> unsupported;
};

/// What has to be written for `limits` where the controllers are as `controllers` says.
Settings settings_for(const Limits& limits, const Controllers& controllers);

/// What a fresh group has in the files that settings_for() may write: undoes the limits
/// of an earlier configuration in a group that is used again.
std::vector<FileValue> default_settings(const Controllers& controllers);

/// Whether `read`, as the kernel gives the file back, means what `written` asked for:
/// limits in bytes are rounded down to pages, "-1" and "max" are the same,
/// memory.limit_in_bytes shows "no limit" as a huge number, white space does not count.
bool same_value(std::string_view file, std::string_view written, std::string_view read);

/// cpu.shares for a cpu-weight: 100 -> 1024.
uint64_t shares_from_weight(uint32_t weight);

}  // namespace cgroups
