// Startup: from the command line to a process that may load the application.
//
// Under the emperor the process is confined before it begins and gets everything as
// descriptors; alone (`--ini FILE`) it reads its file, binds its sockets and gives up
// root by itself.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "vassal/config.h"
#include "vassal/intake.h"
#include "vassal/runtime.h"

namespace vassal {

struct CommandLine {
  std::string name;      ///< of the vassal, for process lists
  std::string ini;       ///< alone: the file to serve
  std::string runtimes;  ///< directory of the runtimes; "" = ../lib beside the program
  base::Fd config;
  base::Fd lifeline;
  base::Fd handoff;
  base::Fd scoreboard;
  std::vector<std::pair<base::Fd, std::string>>
      sockets;  ///< with their address as written
  bool help = false;
  bool version = false;
};

/// The context of an error is one line for the user.
base::Result<CommandLine> parse_command_line(int argc, char** argv);
/// What --help prints.
std::string usage();

/// The configuration out of the sealed memfd, or out of the file. Diagnostics go to the
/// log; the first error is the result's.
base::Result<VassalConfig> read_config(const CommandLine& line);

/// Binds what the file asks for. Before root is given up: a port may be below 1024.
base::Result<std::vector<std::pair<base::Fd, std::string>>> bind_sockets(
    const VassalConfig& config);
/// Becomes the configured user, if there is one and this is root.
base::Result<> become_user(const VassalConfig& config);

/// env, unenv, umask, and the directory that relative names start from.
base::Result<> settle_process(const VassalConfig& config);

/// Non-blocking, and without Nagle's delay on TCP: what accept(2) hands on to each
/// connection.
void prepare_listener(int fd);

/// Opens the shared object of `config.runtime`. Null: there is no application, only
/// static files.
base::Result<Runtime*> open_runtime(const VassalConfig& config,
                                    const std::string& directory);

}  // namespace vassal
