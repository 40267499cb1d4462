// The magic variables of the ini dialect: %d, %n, %p and the rest (uWSGI's table).
#pragma once

#include <string>
#include <string_view>

#include "base/file_source.h"
#include "base/ini_world.h"

namespace base {

/// What lower-case magic variables say about the file being read.
struct MagicFile {
  std::string path;   ///< absolute
  std::string given;  ///< the name as it was written
  uint64_t inode = 0;
  std::string section = {};  ///< if one was asked for by name
};

struct Magic {
  const IniWorld& world;
  const MagicFile& file;
  const MagicFile& top;  ///< the vassal's own file: capitals

  /// `text` with every %x replaced; `%(` and a percent sign before white space or the end
  /// are kept. Unknown ones vanish, as in uWSGI, and are appended to `*erased`.
  std::string apply(std::string_view text, std::string* erased) const;
};

/// `text` with the "%(:N)" that a layer for many vassals kept replaced for this one.
std::string bind_capitals(std::string_view text,
                          const IniWorld& world,
                          const MagicFile& top);

}  // namespace base
