// uWSGI's `cgroup-opt = key=value` in the terms of cgroups::Limits: controller files of
// v1 and v2 that have a field of their own set it, the rest is kept raw.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cgroups/limits.h"

namespace vassal {

class CgroupOptions {
 public:
  /// Takes one option; false if it has no key or its value makes no sense for a known
  /// file. `*mapped` becomes the name of our own option for it, if there is one.
  bool apply(std::string_view text, cgroups::Limits& limits, std::string* mapped);

 private:
  bool apply_cfs(std::string_view key, std::string_view value, cgroups::Limits& limits);

  // v1 says the CPU share in two files
  std::optional<int64_t> cfs_quota_us_;
  uint64_t cfs_period_us_ = 100000;
};

}  // namespace vassal
