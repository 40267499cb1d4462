// Setting: one key = value with the file and line it came from. What every layer of
// configuration is made of once the ini dialect has been expanded.
#pragma once

#include <cstdint>
#include <string>

namespace base {

struct Origin {
  std::string file;   ///< path, or "command line", "built in"
  uint32_t line = 0;  ///< 0 where there are no lines

  /// "/etc/vassals/a.ini:3", or the file alone
  std::string text() const {
    return line == 0 ? file : file + ":" + std::to_string(line);
  }
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Setting {
  std::string key;
  std::string value;  ///< fully expanded; "" for a key without '='
  Origin origin;
  /// Read back somewhere as %(key), or made only for that: an unknown key is then no
  /// mistake.
  bool placeholder = false;
  friend bool operator==(const Setting&, const Setting&) = default;
};

}  // namespace base
