// Any text as a vassal file: its reading ends, stays within the bounds, and gives the
// same settings twice; line numbers lie within the text.
#include <algorithm>
#include <string>

#include "base/ini_expand.h"
#include "tests/fuzz/invariant.h"
#include "tests/support/memory_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  support::MemoryFiles files(
      {{"/v/site.ini", text}, {"/v/more.ini", "[uwsgi]\nx = %(y)\n"}});
  base::IniWorld world;
  world.cwd = "/v";
  world.environment = {{"HOME", "/home/x"}};
  base::IniLimits limits;
  limits.settings = 500;
  limits.total_bytes = 65536;
  limits.value_bytes = 8192;
  const auto first = base::expand_ini({.path = "/v/site.ini"}, files, world, limits);
  const auto second = base::expand_ini({.path = "/v/site.ini"}, files, world, limits);
  invariant(first.settings == second.settings, "reading twice gives the same");
  invariant(first.settings.size() <= limits.settings, "settings are bounded");
  invariant(first.diagnostics.size() <= limits.diagnostics, "diagnostics are bounded");
  const auto lines = std::ranges::count(text, '\n') + 1;
  for (const auto& s : first.settings) {
    invariant(s.origin.line >= 1 && s.origin.line <= std::max<int64_t>(lines, 2),
              "lines are real");
    invariant(s.value.size() <= limits.value_bytes || s.value.size() <= 3 * size,
              "values are bounded");
  }
  return 0;
}
