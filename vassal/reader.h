// The reader: reads and expands vassal files, either here or in a short-lived child that
// has the ids of the files' owner, tight limits, and nothing open but the pipe for its
// answer.
//
// The emperor only ever uses the child: no byte of a tenant's is parsed as root. `vassal
// --ini` and `emperorctl check` read in process, since they already run as whoever asked.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/ini_world.h"
#include "base/open_files.h"
#include "base/process.h"
#include "base/result.h"
#include "vassal/read_result.h"

namespace vassal {

inline constexpr char kPresetOrigin[] = "preset";

struct ReadOptions {
  /// What $(NAME) sees; HOME is the owner's if it is not among them.
  std::vector<std::pair<std::string, std::string>> environment = {};
  /// Settings in front of each file's own (name, value), as uWSGI's vassal-set. Magic
  /// variables in the values speak of the file; the results' origin is kPresetOrigin.
  std::vector<std::pair<std::string, std::string>> preset = {};
  /// Beside FILE may stand FILE+this, whose first line is the address of its on-demand
  /// socket: it becomes `socket` and `start = lazy` (uWSGI's
  /// emperor-on-demand-extension). Empty: no.
  std::string on_demand_extension = {};
  /// Sections whose lines count.
  std::vector<std::string> sections = {"uwsgi", "vassal"};
  /// Whether a vassal file may be a symbolic link. Only where root alone can put links.
  base::Links links = base::Links::refuse;
  /// The file is a layer for many vassals (defaults, policy): see fit_layer.
  bool for_many = false;
  base::IniLimits limits = {};
};

/// Reads one file in this process, with its rights. Never fails as a whole.
ReadResult read_vassal_file(const std::string& path, const ReadOptions& options = {});

/// A reader at work. The owner polls `output` (non-blocking) until it ends, feeds a
/// ReadResultStream, and reaps `process`. Fewer results than paths: the child died on the
/// first one without a result (its limits, or a bug); the caller says so and asks again
/// for the rest.
struct ReaderChild {
  base::Pidfd process;
  base::Fd output;
  std::vector<std::string> paths;  ///< in the order of the results
};

/// Forks a reader for files of one owner. When this process is root and `uid` is not, the
/// child changes to uid and gid without any further group. For single-threaded processes.
/// The files see UWSGI_EMPEROR_FD, as under uWSGI's emperor.
base::Result<ReaderChild> start_reader(std::vector<std::string> paths,
                                       uid_t uid,
                                       gid_t gid,
                                       const ReadOptions& options = {});

/// The same, writing into `output`, for a process that collects its children itself (or
/// has the kernel do it).
base::Result<pid_t> fork_reader(const std::vector<std::string>& paths,
                                uid_t uid,
                                gid_t gid,
                                const ReadOptions& options,
                                int output);

/// Waits for a reader's end and gives all its results. For tests and start-up; it blocks.
base::Result<std::vector<ReadResult>> finish_reader(ReaderChild child);

}  // namespace vassal
