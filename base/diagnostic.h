// Diagnostic: what somebody is told about one line of a configuration file.
#pragma once

#include <string>

#include "base/setting.h"

namespace base {

/// One line for the log, `emperorctl check` and `emperorctl ls`.
struct Diagnostic {
  enum class Level { note, warning, error };
  Level level = Level::error;
  Origin origin;
  std::string text;

  /// "/etc/vassals/a.ini:3: unknown user 'bob'"; notes and warnings say that they are.
  std::string message() const;
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// `text`, cut at a length that fits a log line: what a tenant wrote can be long.
std::string clipped(std::string text);

}  // namespace base
