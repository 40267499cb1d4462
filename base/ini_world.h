// IniWorld and IniLimits: all that the expansion of an ini file may know and use up.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// The facts behind the magic variables and $(NAME), as plain values.
struct IniWorld {
  std::string cwd;  ///< relative names start here; %v
  std::string host_name;
  std::string binary = "vassal";
  std::string version;
  std::string user;
  std::string group;
  uid_t uid = 0;
  gid_t gid = 0;
  uint32_t cpus = 1;
  uint64_t unix_time_us = 0;
  std::vector<std::pair<std::string, std::string>> environment;
  /// The file is a layer for many vassals: %N and the other capitals, which speak of the
  /// vassal's own file, stay as "%(:N)" until bind_capitals() knows which one it is.
  bool for_many = false;

  /// Null if the variable is not set.
  const std::string* variable(std::string_view name) const;
};

/// What one vassal may use up while its files are read.
struct IniLimits {
  size_t file_bytes = size_t{1} << 20;
  size_t line_bytes = 65536;
  size_t inserted_bytes = 65536;  ///< by one @(file)
  size_t settings = 10000;
  size_t value_bytes = 65536;
  size_t total_bytes = size_t{768} << 10;  ///< of all keys and values after expansion
  size_t include_depth = 16;
  size_t includes = 128;
  size_t placeholder_depth = 32;
  size_t diagnostics = 200;
};

}  // namespace base
