// The logic blocks of the ini dialect: if-*, for* and else. Decides what a block does
// with the lines in it; reading those lines is ini_expand's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_source.h"
#include "base/ini_world.h"
#include "base/setting.h"

namespace base {

/// An open block: each line in it is taken once per item, with `%(_)` replaced by the
/// item.
struct LogicBlock {
  std::vector<std::string> items;
  bool is_if = false;
  std::string value = {};  ///< of the line that opened it

  bool failed() const { return items.empty(); }
  /// At an `else`.
  void turn_over() { items = failed() ? std::vector{value} : std::vector<std::string>{}; }
};

bool is_logic_start(std::string_view key);
bool is_logic_end(std::string_view key);

struct LogicContext {
  const std::vector<Setting>& table;  ///< what was read so far; if-opt looks there
  FileSource& files;
  const IniWorld& world;
  const IniLimits& limits;
};

/// What the line `key = value` opens; is_logic_start(key) must hold. Tests see the value
/// as written (uWSGI's rule). `*warning` gets what must be told, if anything.
LogicBlock open_block(std::string_view key,
                      const std::string& value,
                      const LogicContext& context,
                      std::string* warning);

}  // namespace base
