// Crew: several router processes of one command line. A small parent keeps the sockets,
// starts the processes, gives them what they listen on and lets them know each other, and
// starts another one where one dies. What an emperor does, without vassals.
//
// The parent accepts nothing and reads no datagram: its loss costs no request, and each
// process then finishes what it has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/log.h"

namespace router {

/// What every process gets: `kind` as in wire::router_control::kListen.
struct CrewSocket {
  std::string kind;
  base::Fd socket;
};

/// Returns twice: in each process with the channel that it is told everything on; in the
/// parent with nothing, once all are gone because SIGTERM or SIGINT said so. Call it
/// while the process has one thread.
std::optional<base::Fd> run_crew(unsigned processes,
                                 std::vector<CrewSocket> sockets,
                                 base::Log& log);

}  // namespace router
