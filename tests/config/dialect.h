// What the tests of the ini dialect share: one file in memory, expanded, as "key=value"
// lines.
#pragma once

#include <map>
#include <string>

#include "base/ini_expand.h"
#include "tests/support/memory_files.h"

namespace dialect {

inline base::IniWorld world() {
  base::IniWorld w;
  w.cwd = "/v";
  w.host_name = "host.example";
  w.version = "1.2";
  w.user = "alice";
  w.group = "users";
  w.uid = 1001;
  w.gid = 100;
  w.cpus = 4;
  w.unix_time_us = 1700000000000001;
  w.environment = {{"HOME", "/home/alice"}, {"EMPTY", ""}, {"PORT", "8000"}};
  return w;
}

/// A little world with one vassal file, /v/site.ini.
struct World {
  support::MemoryFiles files;
  base::IniWorld facts = world();
  base::IniLimits limits = {};
  base::Expanded result = {};

  /// Expands `text` as /v/site.ini, with a [uwsgi] header if it has none.
  World& expand(const std::string& text) {
    files.put("/v/site.ini", text.find('[') == text.npos ? "[uwsgi]\n" + text : text);
    result = base::expand_ini({.path = "/v/site.ini"}, files, facts, limits);
    return *this;
  }
  std::string values() const {
    std::string out;
    for (const auto& s : result.settings)
      out += s.key + "=" + s.value + "\n";
    return out;
  }
  /// The last value of a key.
  std::string value(const std::string& key) const {
    std::string out = "(none)";
    for (const auto& s : result.settings)
      if (s.key == key) out = s.value;
    return out;
  }
  std::string told() const {
    std::string out;
    for (const auto& d : result.diagnostics)
      out += d.message() + "\n";
    return out;
  }
  bool failed() const {
    for (const auto& d : result.diagnostics)
      if (d.level == base::Diagnostic::Level::error) return true;
    return false;
  }
};

}  // namespace dialect
