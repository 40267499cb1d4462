// VassalConfig: what one vassal's ini file means, as typed values.
//
// Pure. make_config() turns the bounded list of settings that the reader brought back
// (defaults, the file, policy) into this struct and a list of diagnostics. The emperor
// makes it to decide and to spawn; the vassal makes it again from the same list in its
// sealed memfd, so both always agree.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/setting.h"
#include "cgroups/limits.h"

namespace vassal {

/// What is spoken on a socket of the vassal's own.
enum class SocketProtocol { uwsgi, http, fastcgi, scgi };
std::string_view name_of(SocketProtocol protocol);

/// A listening socket that the emperor binds for the vassal (`socket =`).
struct SocketAddress {
  enum class Kind { unix_path, abstract, tcp };
  Kind kind = Kind::unix_path;
  std::string path;  ///< unix path, or the abstract name without its leading '@'
  std::string host;  ///< numeric address; "" or "0.0.0.0" = any
  uint16_t port = 0;
  std::string text;  ///< as written in the file, the key under which it is kept across
                     ///< generations
  SocketProtocol protocol = SocketProtocol::uwsgi;
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

/// `mount = /prefix=target`
struct Mount {
  std::string prefix;
  std::string target;
};

/// `static-map = /prefix=directory`
struct StaticMap {
  std::string prefix;
  std::string directory;
};

/// `subscribe-to` and `subscribe2`: the key is announced to a router.
struct Subscription {
  std::string
      server;  ///< as written: host:port or a unix path; empty if subscribe2 names none
  std::string key;     ///< the key as written
  std::string domain;  ///< the key as a claimed host name; empty if it is not one
  bool ours =
      false;  ///< the server is this machine's own router: `domain` stands in `domains`
  // What is said to somebody else's router:
  std::string address = {};             ///< announced; empty: that of a socket
  std::optional<uint32_t> socket = {};  ///< which of `socket =`, from 0; none: the first
  std::optional<uint8_t> modifier1 = {};
  uint8_t modifier2 = 0;
  uint64_t weight = 0;  ///< 0: the vassal's
  uint64_t backup = 0;
  std::string algo = {};
  std::string proto = {};
  std::string sign_digest = {};  ///< empty: it is not signed
  std::string sign_key = {};     ///< file of the private key
  std::string check = {};        ///< nothing is said while this file exists
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

/// How a command says that it is ready: not at all, by sd_notify(3), or by uWSGI's
/// emperor protocol.
enum class CommandType { simple, notify, uwsgi };

/// How the application is called; `automatic` looks at it.
enum class Interface { automatic, wsgi, asgi };

/// When a hook is run, and by whom: by the emperor as root before a start (as_root) and
/// behind it (as_emperor), by the vassal's program as its own user.
enum class HookPhase {
  as_root,
  as_emperor,
  as_vassal,
  as_user,
  pre_app,
  post_app,
  atexit
};

/// Something to be done around the life of a vassal (hooks.h).
struct Hook {
  HookPhase phase = HookPhase::as_user;
  std::string written;  ///< "exec-pre-app = ./migrate", for whoever reads about it
  std::string action;   ///< "exec", "mkdir", ...
  std::string argument;
};

struct VassalConfig {
  // who
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::string user_name;  ///< passwd name of uid, for initgroups; empty if it has none
  std::vector<gid_t> add_gids;  ///< `add-gid`
  bool no_initgroups = false;

  // where it is reached
  std::vector<std::string> domains;  ///< normalised (wire::normalise_domain): domain =,
                                     ///< subscribe-to = of our own router
  std::vector<std::string> node_params;  ///< "NAME=value", for the router's requests
  std::vector<Subscription> subscriptions;
  std::chrono::seconds subscribe_freq{10};
  uint64_t weight = 0;  ///< 0: 1, or by auto_weight
  bool auto_weight = false;
  uint8_t subscribe_with_modifier1 = 0;
  std::string subscription_notify_socket;
  bool unsubscribe_on_graceful_reload = false;
  std::vector<SocketAddress> sockets;
  std::optional<mode_t> chmod_socket;
  std::string chown_socket;  ///< "user[:group]" as written; resolved where it is applied
  std::optional<uint32_t> listen;  ///< backlog; default min(4096, somaxconn)

  // the application
  std::string runtime = "python";  ///< "python" or "command"
  std::string command;             ///< `command =`, for /bin/sh behind an `exec`
  CommandType command_type = CommandType::simple;
  std::chrono::seconds startsecs{1};  ///< alive so long, a simple command counts as ready
  int stop_signal = SIGTERM;          ///< what asks a command to finish
  std::string
      directory;      ///< of the vassal file: where relative names start without chdir
  std::string chdir;  ///< absolute, or empty
  std::string wsgi_file;
  std::string module;  ///< "pkg.mod", "pkg.mod:callable", "pkg.mod:factory()"
  std::string callable = "application";
  Interface interface = Interface::automatic;
  uint32_t asgi_connections = 1000;                  ///< that one worker serves at once
  uint64_t websockets_max_size = uint64_t{1} << 20;  ///< bytes of one message
  std::vector<std::string>
      pythonpath;  ///< in file order; the last ends up first on sys.path
  std::string virtualenv;
  std::vector<Mount> mounts;
  bool manage_script_name = false;
  std::vector<std::pair<std::string, std::string>> env;  ///< `env = K=V`, in order
  std::vector<std::string> unenv;
  std::vector<StaticMap> static_maps;
  std::vector<std::string> pyargv;
  bool lazy_apps = false;

  // workers
  uint32_t processes = 1;
  uint32_t threads = 1;
  std::chrono::seconds harakiri{0};  ///< 0 = off
  uint64_t max_requests = 0;         ///< 0 = off
  uint64_t max_requests_delta = 0;
  std::chrono::seconds worker_reload_mercy{
      60};                                 ///< drain time of a worker before SIGKILL
  std::chrono::seconds reload_mercy{60};   ///< drain time of a generation before SIGKILL
  std::chrono::seconds socket_timeout{4};  ///< inactivity while reading a request
  std::chrono::seconds start_timeout{60};
  std::vector<Hook> hooks;
  std::chrono::seconds hook_timeout{30};  ///< for each of them
  std::chrono::seconds heartbeat{0};      ///< promised interval; 0 = none
  std::chrono::seconds idle{0};           ///< 0 = never asleep
  bool start_lazy = false;   ///< `start = lazy`: asleep until the first request
  std::string health_check;  ///< path of the request that a generation has to answer
  std::chrono::seconds health_check_timeout{10};
  std::vector<std::string> touch_reload;
  std::vector<std::string> touch_workers_reload;
  std::vector<std::string> touch_logrotate;
  std::vector<std::string> touch_logreopen;
  uint32_t buffer_size = 65535;
  uint64_t limit_post = 0;  ///< 0 = no limit of its own

  // limits
  cgroups::Limits limits;
  std::optional<uint64_t> limit_as_bytes;
  std::optional<uint64_t> limit_nproc;
  std::optional<uint64_t> max_fd;
  std::optional<int> nice;  ///< `prio`
  std::optional<mode_t> umask;

  // queue in the router
  std::optional<uint32_t> queue_max;
  std::optional<std::chrono::seconds> queue_timeout;
  std::optional<uint32_t> concurrency_max;  ///< relayed requests at once
  std::optional<uint64_t> bandwidth_max;    ///< bytes a second of relayed answers

  // logs
  std::string logto;
  std::vector<std::string> loggers;  ///< of "file", "journald", "syslog"; none: file
  bool log_json = false;
  std::string log_date;                 ///< strftime, in front of each line
  uint64_t log_maxsize = 16 << 20;      ///< bytes; 0 = no bound
  std::chrono::seconds log_max_age{0};  ///< 0 = no bound
  uint32_t log_keep = 4;                ///< files that were put away
  uint64_t log_rate = 8 << 20;          ///< bytes per second; 0 = no bound
  uint64_t log_rate_lines = 0;          ///< per second; 0 = no bound
  bool disable_logging = false;
  std::string log_format;
  bool log_x_forwarded_for = false;

  std::string procname_prefix;
  bool strict = false;
};

using base::Diagnostic;

/// Who wrote the vassal's own file. A tenant's options are honoured only where the table
/// lets it.
enum class Author { root, tenant };

/// The three layers of settings, in the order in which they apply.
struct Layers {
  std::vector<base::Setting> defaults;
  std::vector<base::Setting> vassal;
  std::vector<base::Setting> policy;
  std::string file = {};  ///< path of the vassal's own file
  Author author = Author::root;
  friend bool operator==(const Layers&, const Layers&) = default;
};

/// What make_config asks the machine about; tests bring their own.
struct Names {
  virtual ~Names() = default;
  virtual std::optional<uid_t> uid_of(std::string_view user) const = 0;
  virtual std::optional<gid_t> gid_of(std::string_view group) const = 0;
  virtual std::optional<std::string> name_of(uid_t uid) const = 0;
  virtual std::optional<gid_t> primary_gid_of(uid_t uid) const = 0;
};
/// getpwnam(3) and friends of this machine.
const Names& system_names();

struct Parsed {
  VassalConfig config;
  std::vector<Diagnostic> diagnostics;  ///< all of them, in file order

  /// The first error; null if the file can be served.
  const Diagnostic* first_error() const;
};

/// What the emperor knows beyond the file. The vassal gets the same layers but needs none
/// of it.
struct Surroundings {
  /// Addresses under which this machine's router takes subscriptions. Empty: every
  /// subscription is taken as one to it.
  std::vector<std::string> own_routers = {};
};

/// Never fails as a whole: what cannot be used is a diagnostic, and the rest is still
/// looked at.
Parsed make_config(const Layers& layers,
                   const Names& names,
                   const Surroundings& around = {});

}  // namespace vassal
