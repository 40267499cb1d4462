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
#include "vassal/lifeline.h"
#include "vassal/runtime.h"

namespace vassal {

/// A setting or a file that uWSGI's emperor puts before or behind the vassal's own file.
struct Surrounding {
  enum class Kind { setting, file };
  Kind kind = Kind::file;
  std::string text;  ///< "key=value", or the file's name
};

/// The file of a listening socket, as it was when the vassal came to it.
struct SocketFile {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
};

struct CommandLine {
  std::string name;      ///< of the vassal, for process lists
  std::string ini;       ///< alone: the file to serve
  std::string runtimes;  ///< directory of the runtimes; "" = ../lib beside the program
  std::vector<Surrounding> before;  ///< alone: what stood before --ini
  std::vector<Surrounding> behind;
  base::Fd config;
  base::Fd lifeline;
  Lifeline::Speech speech = Lifeline::Speech::messages;
  base::Fd handoff;
  base::Fd scoreboard;
  std::vector<std::pair<base::Fd, std::string>>
      sockets;                    ///< with their address as written
  std::vector<SocketFile> files;  ///< alone: of the unix sockets among them
  base::Fd directory;             ///< alone: where it began, and with which variables
  std::vector<std::string> environment;
  bool help = false;
  bool version = false;
};

/// The context of an error is one line for the user. Alone, the descriptor that a uWSGI
/// emperor left in UWSGI_EMPEROR_FD becomes the lifeline, and its on-demand socket
/// (standard input) one of the sockets.
base::Result<CommandLine> parse_command_line(int argc, char** argv);
/// What --help prints.
std::string usage();

/// The configuration out of the sealed memfd, or out of the file. Diagnostics go to the
/// log; the first error is the result's.
base::Result<VassalConfig> read_config(const CommandLine& line);

/// Binds what the file asks for, and is not among the sockets yet. Before root is given
/// up: a port may be below 1024.
base::Result<> bind_sockets(const VassalConfig& config, CommandLine& line);

/// Removes the files of its sockets, if they still are what they were, and if it may.
void unlink_sockets(const CommandLine& line);

/// Starts the program anew in this process, where it began, with the same arguments,
/// variables, lifeline and sockets. Returns only if that fails.
base::Error run_again(const CommandLine& line, char** argv);
/// Becomes the configured user, if there is one and this is root.
base::Result<> become_user(const VassalConfig& config);

/// env, unenv, umask, and the directory that relative names start from.
base::Result<> settle_process(const VassalConfig& config);

/// Non-blocking, and without Nagle's delay on TCP: what accept(2) hands on to each
/// connection.
void prepare_listener(int fd);

/// Where shared objects are: what the command line says, or ../lib beside the program.
std::string runtimes_directory(const CommandLine& line);

/// Opens the shared object of `config.runtime`. Null: there is no application, only
/// static files.
base::Result<Runtime*> open_runtime(const VassalConfig& config,
                                    const std::string& directory);

}  // namespace vassal
