#include "vassal/cgroup_options.h"

#include <algorithm>
#include <array>

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

bool set_weight(std::string_view text, cgroups::Limits& limits) {
  const auto weight = base::parse_unsigned(text);
  if (weight)
    limits.cpu_weight = static_cast<uint32_t>(std::clamp<uint64_t>(*weight, 1, 10000));
  return weight.has_value();
}

bool set_shares(std::string_view text, cgroups::Limits& limits) {
  const auto shares = base::parse_unsigned(text);
  if (shares) limits.cpu_weight = weight_of_shares(*shares);
  return shares.has_value();
}

bool set_memory_max(std::string_view text, cgroups::Limits& limits) {
  return set_amount(text, limits.memory_max);
}
bool set_memory_high(std::string_view text, cgroups::Limits& limits) {
  return set_amount(text, limits.memory_high);
}
bool set_pids_max(std::string_view text, cgroups::Limits& limits) {
  return set_amount(text, limits.pids_max);
}

struct KnownFile {
  std::string_view name;
  std::string_view option;  // ours for it
  bool (*set)(std::string_view value, cgroups::Limits& limits);
};

constexpr std::array kKnownFiles = {
    KnownFile{"memory.limit_in_bytes", "memory-max", set_memory_max},
    KnownFile{"memory.max", "memory-max", set_memory_max},
    KnownFile{"memory.high", "memory-high", set_memory_high},
    KnownFile{"pids.max", "pids-max", set_pids_max},
    KnownFile{"cpu.max", "cpu-max", set_cpu_max},
    KnownFile{"cpu.shares", "cpu-weight", set_shares},
    KnownFile{"cpu.weight", "cpu-weight", set_weight},
};

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
  const auto known = std::ranges::find(kKnownFiles, key, &KnownFile::name);
  if (known != kKnownFiles.end()) {
    *mapped = known->option;
    return known->set(value, limits);
  }
  if (key == "cpu.cfs_quota_us" || key == "cpu.cfs_period_us") {
    *mapped = "cpu-max";
    return apply_cfs(key, value, limits);
  }
  set_raw(key, value, limits);
  return true;
}

bool CgroupOptions::apply_cfs(std::string_view key,
                              std::string_view value,
                              cgroups::Limits& limits) {
  const auto parsed = base::parse_leading_number(value);
  if (!parsed.exact || parsed.value < -1 || parsed.value > INT64_MAX / 100) return false;
  if (key == "cpu.cfs_quota_us")
    cfs_quota_us_ = parsed.value;
  else
    cfs_period_us_ = static_cast<uint64_t>(std::max<int64_t>(parsed.value, 0));
  if (cfs_quota_us_) limits.cpu_max_percent = percent(*cfs_quota_us_, cfs_period_us_);
  return true;
}

}  // namespace vassal
