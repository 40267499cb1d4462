// ConfigBuild: a VassalConfig in the making, which the option table's apply functions
// work on; and those functions that several rows share.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"
#include "base/values.h"
#include "vassal/cgroup_options.h"
#include "vassal/config.h"

namespace vassal {

struct ConfigBuild {
  const Names& names;
  Surroundings around;
  VassalConfig config{};
  std::vector<Diagnostic> diagnostics{};
  CgroupOptions cgroup_options{};
  std::optional<CommandType> command_type{};
  /// `socket =` and its kin, as written: what they mean depends on `command`.
  std::vector<base::Setting> sockets{};
  std::optional<base::Setting> protocol{};
  /// The setting at hand stands in the vassal's own file, not in an operator's layer.
  bool own_file = false;
  /// Where relative socket paths start: the last chdir of all, wherever its line stands.
  std::string socket_directory{};

  void tell(Diagnostic::Level level, const base::Setting& s, std::string text) {
    if (diagnostics.size() < kMostDiagnostics)
      diagnostics.push_back({level, s.origin, base::clipped(std::move(text))});
  }
  void error(const base::Setting& s, std::string text) {
    tell(Diagnostic::Level::error, s, std::move(text));
  }
  void warn(const base::Setting& s, std::string text) {
    tell(Diagnostic::Level::warning, s, std::move(text));
  }

  /// Whether one more user or group may be looked up; an error once it is too many. The
  /// user database can be slow, and the emperor waits for it.
  bool may_look_up(const base::Setting& s);

  static constexpr size_t kMostDiagnostics = 500;
  static constexpr size_t kMostSockets = 64;
  size_t lookups_left = 64;
};

using Row = base::Option<ConfigBuild>;

/// uWSGI's reading of a number: the digits it begins with, 0 if there are none, with a
/// warning for what follows. Negative is an error.
std::optional<uint64_t> number_of(ConfigBuild& build, const base::Setting& s);
/// Seconds, or with a unit; a number with something behind it counts as its seconds, with
/// a warning.
std::optional<std::chrono::seconds> duration_of(ConfigBuild& build,
                                                const base::Setting& s);
/// "max" and "infinity" are nothing; so is what is no size, after an error.
std::optional<uint64_t> size_of(ConfigBuild& build, const base::Setting& s);
std::optional<uint64_t> megabytes_of(ConfigBuild& build, const base::Setting& s);
/// 16 bit, clamped.
uint32_t clamp_to(uint64_t value, uint64_t most);

// Apply functions for one member; the table names them with the member as template
// argument.

template <auto Member>
void set_text(ConfigBuild& build, const base::Setting& s) {
  build.config.*Member = s.value;
}
template <auto Member>
void add_text(ConfigBuild& build, const base::Setting& s) {
  (build.config.*Member).push_back(s.value);
}
template <auto Member>
void set_flag(ConfigBuild& build, const base::Setting& s) {
  build.config.*Member = base::parse_flag(s.value);
}
template <auto Member>
void set_number(ConfigBuild& build, const base::Setting& s) {
  if (const auto n = number_of(build, s)) build.config.*Member = *n;
}
template <auto Member>
void set_optional_number(ConfigBuild& build, const base::Setting& s) {
  if (const auto n = number_of(build, s)) build.config.*Member = n;
}
template <auto Member>
void set_number32(ConfigBuild& build, const base::Setting& s) {
  if (const auto n = number_of(build, s)) build.config.*Member = clamp_to(*n, UINT32_MAX);
}
template <auto Member>
void set_duration(ConfigBuild& build, const base::Setting& s) {
  if (const auto d = duration_of(build, s)) build.config.*Member = *d;
}
template <auto Member>
void set_limit_size(ConfigBuild& build, const base::Setting& s) {
  build.config.limits.*Member = size_of(build, s);
}

}  // namespace vassal
