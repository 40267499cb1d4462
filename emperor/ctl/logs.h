// The end of a vassal's log, for a terminal. The emperor's logger sends the lines: no
// path of a tenant's is opened here.
#pragma once

#include <string>

namespace emperor::ctl {

enum class Follow { no, yes };

/// Prints what comes back for `request`; with Follow::yes asks again, without old lines,
/// when the emperor's side went away. Returns the exit code.
int show_log(const std::string& control,
             const std::string& name,
             size_t lines,
             Follow follow);

}  // namespace emperor::ctl
