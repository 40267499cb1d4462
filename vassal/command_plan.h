// What a tenant's own server (`command =`) is started with: arguments, variables and
// descriptors. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vassal/config.h"

namespace vassal {

/// A listening socket as it is handed down: its descriptor here, its address as written.
using ListenerName = std::pair<int, std::string>;

struct CommandPlan {
  struct Descriptor {
    int source;
    int target;
  };
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> unenv;  ///< what may stand there from our own start
  std::vector<Descriptor> fds;     ///< everything else stays closed
};

/// The listeners become 3, 4, ... with LISTEN_FDS and LISTEN_FDNAMES (sd_listen_fds(3);
/// LISTEN_PID is the new process's business), and the first one standard input, as inetd
/// did. A uwsgi takes what is its standard input by itself, so it gets the first one only
/// there. `line`: the descriptor that goes into UWSGI_EMPEROR_FD, -1 without one;
/// `notify`: the address for NOTIFY_SOCKET, empty without one.
CommandPlan plan_command(const VassalConfig& config,
                         const std::vector<ListenerName>& listeners,
                         int line,
                         const std::string& notify);

/// Whether the program's name says that it is a uWSGI.
bool looks_like_uwsgi(std::string_view command);

}  // namespace vassal
