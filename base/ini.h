// The lines of an ini file in the uWSGI dialect: sections, keys, values, and the line
// each stands on.
//
// Cuts text into lines, nothing else: no variable is expanded and no file is opened (see
// ini_expand). Sits on inih, whose limits (200 bytes a line, inline comments, ':' as
// separator, indented continuation lines, no line numbers) do not show here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace base {

struct IniLine {
  std::string section;  ///< "" before the first header
  std::string key;
  std::string value;  ///< "" too for a line without '='
  uint32_t line = 0;
  friend bool operator==(const IniLine&, const IniLine&) = default;
};

/// Something odd about one line of the text.
struct IniComplaint {
  enum class Level { warning, error };
  Level level = Level::warning;
  uint32_t line = 0;
  std::string text;
};

struct IniText {
  std::vector<IniLine> lines;
  std::vector<IniComplaint>
      complaints;  ///< after an error the rest of the text is not read

  bool failed() const;
};

struct IniTextLimits {
  size_t line_bytes = 65536;
  size_t lines = 10000;  ///< that carry a key
};

/// Reads the whole text. NUL bytes and exceeded limits are errors; everything else is a
/// line, as in uWSGI. Space, tab and CR are stripped from both ends of lines, keys and
/// values.
IniText parse_ini(std::string_view text, const IniTextLimits& limits = {});

/// `text` without space, tab and CR at both ends.
std::string_view strip(std::string_view text);

}  // namespace base
