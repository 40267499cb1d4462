// Client: one question to the emperor over its control socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace emperor::ctl {

/// Sends {"cmd", "name"} to the socket at `path` and returns the line that comes back.
/// Blocks.
base::Result<std::string> ask(const std::string& path, const std::string& request_line);

/// The same for an answer that goes on until the other side ends it, or `take` says
/// false.
base::Result<> ask_for_text(const std::string& path,
                            const std::string& request_line,
                            const std::function<bool(std::string_view)>& take);

/// Waits until process `pid` has ended, at most `seconds`; false if it still runs.
bool wait_for_end(int pid, int seconds);

}  // namespace emperor::ctl
