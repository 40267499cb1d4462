// The emperor's own options: one table, from a file and from the command line.
//
// Pure. Sources of settings: `--config FILE` (section [emperor], or a [uwsgi] file with
// `emperor = DIR`), then --KEY[=VALUE] over it. All faults are collected: `file:line:
// message`.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/setting.h"

namespace emperor {

struct Options {
  std::vector<std::string> sources;
  std::string run_dir = "/run/imperium";
  std::string control;  ///< default <run-dir>/control.sock

  std::vector<std::string> router_uwsgi;  ///< unix paths or host:port, for nginx
  std::optional<mode_t> router_uwsgi_mode;
  std::string router_uwsgi_group;
  std::vector<std::string> router_http;  ///< host:port
  std::vector<std::string> router_https;
  std::string certificates;  ///< directory with certificates and keys of router_https
  std::string router_stats;  ///< uWSGI's fastrouter-stats; empty: none
  std::vector<std::string> router_subscriptions;  ///< unix paths or host:port
  uint32_t router_processes = 1;
  std::string router_uid = "nobody";
  std::string router_gid = "nogroup";
  std::vector<std::string> router_options;  ///< passed on to fastrouter as --KEY=VALUE

  std::string logger_uid = "nobody";
  std::string logger_gid = "nogroup";
  uint64_t log_space = 128 << 20;  ///< bytes that the logs of one vassal take together
  std::string journald = "/run/systemd/journal/socket";
  std::string syslog = "/dev/log";  ///< unix path, or host:port for UDP

  std::string defaults;                     ///< ini below every vassal file
  std::string policy;                       ///< ini above every vassal file
  std::vector<std::string> include_before;  ///< further files below, behind `defaults`
  std::vector<std::string> include_behind;  ///< further files above, before `policy`
  /// Settings in front of every vassal file, as written; magic variables speak of it.
  std::vector<std::pair<std::string, std::string>> vassal_settings;
  /// Hooks for every vassal, as settings of the policy: exec-as-emperor = ...
  std::vector<std::pair<std::string, std::string>> hooks;
  std::vector<std::string> stop_hooks;  ///< commands, run with the name of who is gone
  std::string domains = "any";          ///< any|filename|policy: who may claim which host
  std::string domains_list;  ///< who may claim which hosts besides (DomainList)
  bool trusted = false;
  bool tyrant = false;  ///< vassals run as the owners of their files
  bool allow_root_vassals = false;

  std::string cgroups = "auto";  ///< auto|v1|v2|off|required
  std::string cgroup_root;       ///< default: the emperor's own group

  std::string python;              ///< another Python runtime (a shared object)
  std::string vassal_program;      ///< default: "vassal" beside the emperor's binary
  std::string fastrouter_program;  ///< default: "fastrouter" beside it
  uint32_t start_slots = 0;        ///< starts at once; 0 = as many as CPUs and one more
  std::vector<std::string> extensions;  ///< of files in directories, beside .ini
  bool nofollow = false;  ///< a link's own times are watched, not its target's
  std::string on_demand_extension;
  std::string on_demand_directory;
  std::string stats;    ///< unix path or host:port; empty: none
  std::string metrics;  ///< the same, for Prometheus over HTTP
  std::string pidfile;  ///< of the emperor proper; empty: none beside the run directory's
  std::chrono::seconds required_heartbeat{30};
  std::chrono::seconds rescan{60};
  std::chrono::seconds shutdown_mercy{30};
  std::chrono::seconds kill_patience{30};
  std::chrono::seconds mercy_max{60};
  std::chrono::seconds upgrade_timeout{30};
  std::string log_level = "info";

  std::vector<std::string> notes;  ///< what is taken without effect, and why; for the log
};

struct OptionRow {
  const char* key;
  const char* value;  ///< what stands for the value in the help; empty = a flag
  const char* help;
  /// Sets the value; a fault, or nothing.
  std::string (*set)(Options&, const std::string& value);
};

/// Every option, in the order of the help.
std::span<const OptionRow> option_table();
bool is_option(std::string_view key);
/// The text of --help.
std::string option_help();

struct OptionFaults {
  std::vector<std::string> lines;  ///< "file:line: message", all of them
};

/// The settings of the command line: `--key=value`, `--key value`, `--flag`, and sources,
/// with origin "command line". What is no option at all is a fault. `config` gets the
/// file of --config.
std::vector<base::Setting> command_line_settings(std::span<const std::string> arguments,
                                                 std::string* config);

/// Applies settings in order (the file's first). Faults are appended; what is known and
/// has no effect is noted in the options.
void apply(const std::vector<base::Setting>& settings,
           Options* options,
           OptionFaults* faults);
/// Fills in what depends on other options and checks across options.
void complete(Options* options, const std::string& own_directory, OptionFaults* faults);

}  // namespace emperor
