// Client: one question to the emperor over its control socket.
#pragma once

#include <string>

#include "base/result.h"

namespace emperor::ctl {

/// Sends {"cmd", "name"} to the socket at `path` and returns the line that comes back.
/// Blocks.
base::Result<std::string> ask(const std::string& path, const std::string& request_line);

/// Waits until process `pid` has ended, at most `seconds`; false if it still runs.
bool wait_for_end(int pid, int seconds);

}  // namespace emperor::ctl
