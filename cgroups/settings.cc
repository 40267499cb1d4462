#include "cgroups/settings.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cgroups {

namespace {

constexpr uint64_t kPeriodUs = 100'000;
constexpr uint64_t kPage = 4096;
// v1 shows "no limit" as LONG_MAX rounded down to the page size, whichever that is.
constexpr uint64_t kUnlimitedFrom = (uint64_t{1} << 63) - (uint64_t{1} << 20);

std::string text(uint64_t number) {
  return std::to_string(number);
}

// What one limit has to write: nothing asked for, nothing possible (an empty list), or
// values.
using Values = std::optional<std::vector<FileValue>>;

Values memory_max(const Limits& l, Version v) {
  if (!l.memory_max) return {};
  const char* file = v == Version::v2 ? "memory.max" : "memory.limit_in_bytes";
  return {{{"memory", file, text(*l.memory_max)}}};
}

Values memory_high(const Limits& l, Version v) {
  if (!l.memory_high) return {};
  if (v == Version::v1) return std::vector<FileValue>{};
  return {{{"memory", "memory.high", text(*l.memory_high)}}};
}

Values cpu_max(const Limits& l, Version v) {
  if (!l.cpu_max_percent) return {};
  const std::string quota = text(kPeriodUs / 100 * *l.cpu_max_percent);
  if (v == Version::v2) return {{{"cpu", "cpu.max", quota + " " + text(kPeriodUs)}}};
  return {{{"cpu", "cpu.cfs_period_us", text(kPeriodUs)},
           {"cpu", "cpu.cfs_quota_us", quota}}};
}

Values cpu_weight(const Limits& l, Version v) {
  if (!l.cpu_weight) return {};
  if (v == Version::v2) return {{{"cpu", "cpu.weight", text(*l.cpu_weight)}}};
  return {{{"cpu", "cpu.shares", text(shares_from_weight(*l.cpu_weight))}}};
}

Values pids_max(const Limits& l, Version) {
  if (!l.pids_max) return {};
  return {{{"pids", "pids.max", text(*l.pids_max)}}};
}

struct Row {
  std::string_view limit;
  std::string_view controller;
  Values (*values)(const Limits&, Version);
};

constexpr Row kRows[] = {
    {"memory-max", "memory", memory_max}, {"memory-high", "memory", memory_high},
    {"cpu-max", "cpu", cpu_max},          {"cpu-weight", "cpu", cpu_weight},
    {"pids-max", "pids", pids_max},
};

// What a fresh group has.
struct Default {
  Version version;
  std::string_view controller;
  std::string_view file;
  std::string_view value;
};

constexpr Default kDefaults[] = {
    {Version::v1, "memory", "memory.limit_in_bytes", "-1"},
    {Version::v1, "cpu", "cpu.cfs_quota_us", "-1"},
    {Version::v1, "cpu", "cpu.shares", "1024"},
    {Version::v1, "pids", "pids.max", "max"},
    {Version::v2, "memory", "memory.max", "max"},
    {Version::v2, "memory", "memory.high", "max"},
    {Version::v2, "cpu", "cpu.max", "max 100000"},
    {Version::v2, "cpu", "cpu.weight", "100"},
    {Version::v2, "pids", "pids.max", "max"},
};

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = s.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> words(std::string_view s) {
  std::vector<std::string_view> out;
  for (s = trimmed(s); !s.empty(); s = trimmed(s)) {
    const size_t end = std::min(s.find_first_of(" \t\r\n"), s.size());
    out.push_back(s.substr(0, end));
    s.remove_prefix(end);
  }
  return out;
}

struct Amount {
  bool is_number = false;
  bool unlimited = false;
  uint64_t value = 0;
};

uint64_t multiplier(std::string_view suffix) {
  if (suffix.size() != 1) return 0;
  switch (suffix[0] | 0x20) {
    case 'k':
      return uint64_t{1} << 10;
    case 'm':
      return uint64_t{1} << 20;
    case 'g':
      return uint64_t{1} << 30;
    case 't':
      return uint64_t{1} << 40;
    default:
      return 0;
  }
}

Amount amount(std::string_view s) {
  if (s == "max" || s == "-1") return {true, true, 0};
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc{} || end == s.data()) return {};
  const std::string_view suffix(end, static_cast<size_t>(s.data() + s.size() - end));
  if (!suffix.empty()) {
    const uint64_t factor = multiplier(suffix);
    if (factor == 0 || value > UINT64_MAX / factor) return {};
    value *= factor;
  }
  return {true, value >= kUnlimitedFrom, value};
}

bool counts_pages(std::string_view file) {
  return file.starts_with("memory.") || file.starts_with("hugetlb.");
}

bool same_word(std::string_view file, std::string_view written, std::string_view read) {
  if (written == read) return true;
  const Amount w = amount(written);
  const Amount r = amount(read);
  if (!w.is_number || !r.is_number) return false;
  if (w.unlimited || r.unlimited) return w.unlimited == r.unlimited;
  if (w.value == r.value) return true;
  return counts_pages(file) && r.value < w.value && w.value - r.value < kPage;
}

// Raw names are the tenant's: a value for a limit, never a way to move processes or leave
// the group.
bool acceptable_file(std::string_view file) {
  if (file.empty() || file.find('/') != std::string_view::npos) return false;
  if (file.find('.') == std::string_view::npos) return false;
  return !file.starts_with("cgroup.") && !file.starts_with('.');
}

void add_raw(const Limits& limits, const Controllers& controllers, Settings& out) {
  for (const auto& [file, value] : limits.raw) {
    const std::string controller = file.substr(0, file.find('.'));
    const auto found = controllers.find(controller);
    if (!acceptable_file(file)) {
      out.unsupported.push_back({file, "not a limit"});
    } else if (found == controllers.end()) {
      out.unsupported.push_back(
          {file, "this machine has no controller '" + controller + "'"});
    } else if (controller == "cpuset" && found->second == Version::v1) {
      out.unsupported.push_back({file, "cpuset is only set on cgroup v2"});
    } else {
      out.optional.push_back({controller, file, value});
    }
  }
}

}  // namespace

uint64_t shares_from_weight(uint32_t weight) {
  return std::clamp<uint64_t>(uint64_t{weight} * 1024 / 100, 2, 262'144);
}

Settings settings_for(const Limits& limits, const Controllers& controllers) {
  Settings out;
  for (const Row& row : kRows) {
    if (!row.values(limits, Version::v2)) continue;
    const auto found = controllers.find(row.controller);
    if (found == controllers.end()) {
      out.unsupported.push_back(
          {std::string(row.limit),
           "this machine offers no controller '" + std::string(row.controller) + "'"});
      continue;
    }
    const Values values = row.values(limits, found->second);
    if (!values || values->empty())
      out.unsupported.push_back({std::string(row.limit), "cgroup v1 has no such limit"});
    else
      out.values.insert(out.values.end(), values->begin(), values->end());
  }
  add_raw(limits, controllers, out);
  return out;
}

std::vector<FileValue> default_settings(const Controllers& controllers) {
  std::vector<FileValue> out;
  for (const Default& row : kDefaults) {
    const auto found = controllers.find(row.controller);
    if (found != controllers.end() && found->second == row.version)
      out.push_back(
          {std::string(row.controller), std::string(row.file), std::string(row.value)});
  }
  return out;
}

bool same_value(std::string_view file, std::string_view written, std::string_view read) {
  const auto wanted = words(written);
  const auto got = words(read);
  if (wanted.size() == 1 && got.size() == 1) return same_word(file, wanted[0], got[0]);
  // Several words ("20000 100000", "8:0 rbps=1048576"): the kernel may add words and
  // lines of its own.
  return !wanted.empty() && std::ranges::all_of(wanted, [&](std::string_view w) {
    return std::ranges::any_of(got,
                               [&](std::string_view g) { return same_word(file, w, g); });
  });
}

}  // namespace cgroups
