#include "vassal/cgroup_options.h"

#include <algorithm>

#include "base/ini.h"
#include "base/values.h"

namespace vassal {

namespace {

using Value = std::optional<uint64_t>;

struct Reading {
  bool sensible = false;
  Value value;  // nothing = not limited
};

Reading amount(std::string_view text) {
  if (text == "max" || text == "-1") return {true, std::nullopt};
  const auto size = base::parse_size(text);
  return {size.has_value(), size};
}

std::optional<uint32_t> percent(int64_t quota_us, uint64_t period_us) {
  if (quota_us <= 0 || period_us == 0) return std::nullopt;
  const uint64_t of_one_cpu = static_cast<uint64_t>(quota_us) * 100 / period_us;
  return static_cast<uint32_t>(std::clamp<uint64_t>(of_one_cpu, 1, 1'000'000));
}

// v1's 1024 is v2's 100 (the default of each).
uint32_t weight_of_shares(uint64_t shares) {
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(std::min<uint64_t>(shares, 1 << 20) * 100 / 1024, 1, 10000));
}

bool set_amount(std::string_view text, Value& field) {
  const Reading reading = amount(text);
  if (reading.sensible) field = reading.value;
  return reading.sensible;
}

/// cpu.max: "QUOTA PERIOD", "max PERIOD" or QUOTA alone.
bool set_cpu_max(std::string_view text, cgroups::Limits& limits) {
  const size_t space = std::min(text.find(' '), text.size());
  const auto quota = text.substr(0, space);
  const auto period = space == text.size() ? "100000" : base::strip(text.substr(space));
  const auto period_us = base::parse_unsigned(period);
  const auto quota_us = base::parse_unsigned(quota);
  if (!period_us || (quota != "max" && (!quota_us || *quota_us > INT64_MAX / 100)))
    return false;
  limits.cpu_max_percent =
      quota_us ? percent(static_cast<int64_t>(*quota_us), *period_us) : std::nullopt;
  return true;
}

void set_raw(std::string_view key, std::string_view value, cgroups::Limits& limits) {
  const auto same =
      std::ranges::find(limits.raw, key, &std::pair<std::string, std::string>::first);
  if (same != limits.raw.end())
    same->second = value;
  else
    limits.raw.emplace_back(key, value);
}

}  // namespace

bool CgroupOptions::apply(std::string_view text,
                          cgroups::Limits& limits,
                          std::string* mapped) {
  const size_t split = text.find_first_of("=:");
  if (split == text.npos) return false;
  const auto key = base::strip(text.substr(0, split));
  const auto value = base::strip(text.substr(split + 1));
  // the key becomes a file name below the group: nothing that leads elsewhere
  if (key.empty() || key.find('/') != key.npos || key.find('.') == 0) return false;
  return apply_known(key, value, limits, mapped);
}

bool CgroupOptions::apply_known(std::string_view key,
                                std::string_view value,
                                cgroups::Limits& limits,
                                std::string* mapped) {
  const auto number = base::parse_unsigned(value);
  if (key == "memory.limit_in_bytes" || key == "memory.max")
    return *mapped = "memory-max", set_amount(value, limits.memory_max);
  if (key == "memory.high")
    return *mapped = "memory-high", set_amount(value, limits.memory_high);
  if (key == "pids.max") return *mapped = "pids-max", set_amount(value, limits.pids_max);
  if (key == "cpu.max") return *mapped = "cpu-max", set_cpu_max(value, limits);
  if (key == "cpu.shares" || key == "cpu.weight") {
    *mapped = "cpu-weight";
    if (number)
      limits.cpu_weight =
          key == "cpu.shares"
              ? weight_of_shares(*number)
              : static_cast<uint32_t>(std::clamp<uint64_t>(*number, 1, 10000));
    return number.has_value();
  }
  if (key == "cpu.cfs_quota_us" || key == "cpu.cfs_period_us") {
    *mapped = "cpu-max";
    const auto parsed = base::parse_leading_number(value);
    if (!parsed.exact || parsed.value < -1 || parsed.value > INT64_MAX / 100)
      return false;
    if (key == "cpu.cfs_quota_us")
      cfs_quota_us_ = parsed.value;
    else
      cfs_period_us_ = static_cast<uint64_t>(std::max<int64_t>(parsed.value, 0));
    if (cfs_quota_us_) limits.cpu_max_percent = percent(*cfs_quota_us_, cfs_period_us_);
    return true;
  }
  set_raw(key, value, limits);
  return true;
}

}  // namespace vassal
