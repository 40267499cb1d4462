// `logs NAME`: the end of a vassal's log file, and what is added to it.
#pragma once

#include <cstddef>
#include <string>

namespace emperor::ctl {

enum class Follow { yes, no };

/// Prints the last `lines` lines of `path`; with Follow::yes goes on until interrupted.
int show_log(const std::string& path, size_t lines, Follow follow);

}  // namespace emperor::ctl
