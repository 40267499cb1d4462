// Tables: columns for people. Pure.
#pragma once

#include <string>
#include <vector>

namespace emperor::ctl {

/// The rows under their titles, columns as wide as needed, two spaces between; no
/// trailing spaces.
std::string table(const std::vector<std::string>& titles,
                  const std::vector<std::vector<std::string>>& rows);

/// "512 B", "3.4 MiB", "-" for nothing
std::string human_bytes(uint64_t bytes);

}  // namespace emperor::ctl
