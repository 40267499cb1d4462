// The rows that do something; uWSGI's other options stand in options_other.cc.
#include "vassal/options.h"

#include <vector>

#include "vassal/apply.h"

namespace vassal {

namespace {

using enum base::ValueType;
using enum base::SetBy;
using enum base::Treatment;
using C = VassalConfig;
using L = cgroups::Limits;

// clang-format off
constexpr Row kRows[] = {
  // who
  {"uid", "", text, "the file's owner in tyrant mode", operator_only, honoured, apply_uid, "User of the vassal, by name or number."},
  {"gid", "", text, "the user's primary group", operator_only, honoured, apply_gid, "Group of the vassal, by name or number."},
  {"add-gid", "additional-gids", list, "", operator_only, honoured, apply_add_gid, "A supplementary group."},
  {"no-initgroups", "", flag, "false", operator_only, honoured, set_flag<&C::no_initgroups>, "Do not take the user's supplementary groups."},

  // where it is reached
  {"domain", "domains", list, "", tenant, honoured, apply_domain, "A host name of the site; `*.example.com` for all below one. Several may stand on a line."},
  {"subscribe-to", "subscribe st", list, "", tenant, honoured, apply_subscribe_to, "`ADDR:KEY[,MODIFIER1[,DIGEST:PRIVATE_KEY]]`: claims the host name KEY, if ADDR is the emperor's own router; else it is announced there, by the address of its first `socket` or that in front of `=`."},
  {"subscribe2", "", list, "", tenant, honoured, apply_subscribe2, "The same as `server=ADDR,key=KEY`, with `addr=`, `socket=`, `weight=`, `backup=`, `algo=`, `proto=`, `modifier1=`, `modifier2=`, `sign=`, `check=`."},
  {"subscribe-freq", "", duration, "10", tenant, honoured, set_duration<&C::subscribe_freq>, "How often a subscription is sent to another router."},
  {"weight", "", number, "1", tenant, honoured, set_number<&C::weight>, "The vassal's share of the requests of a router that it subscribes to."},
  {"auto-weight", "", flag, "false", tenant, honoured, set_flag<&C::auto_weight>, "Its share is the number of its processes times threads."},
  {"subscribe-with-modifier1", "", number, "0", tenant, honoured, apply_modifier1, "The modifier1 that subscriptions ask for."},
  {"subscription-notify-socket", "notify-socket", text, "", tenant, honoured, set_text<&C::subscription_notify_socket>, "Where routers acknowledge a first subscription: the address of a datagram socket."},
  {"unsubscribe-on-graceful-reload", "", flag, "false", tenant, honoured, set_flag<&C::unsubscribe_on_graceful_reload>, "Take subscriptions back for the time of a reload, too."},
  {"own-router", "", list, "", operator_only, honoured, apply_own_router, "In the policy: an address of this machine's own router, where a subscription is a claim; `local`: all addresses of this machine are its; `none`: it has none. The emperor says it."},
  {"socket", "uwsgi-socket", list, "", tenant, honoured, apply_socket, "A listening socket of its own: `/path`, `@abstract`, `host:port`, `[v6]:port`."},
  {"http-socket", "http11-socket", list, "", tenant, honoured, apply_socket, "A listening socket on which the `command` speaks HTTP."},
  {"fastcgi-socket", "", list, "", tenant, honoured, apply_socket, "The same for FastCGI."},
  {"scgi-socket", "", list, "", tenant, honoured, apply_socket, "The same for SCGI."},
  {"node-param", "", list, "", tenant, honoured, apply_node_param, "`NAME=value`: a variable that the router gives a FastCGI, SCGI or uwsgi `command` with every request, such as `DOCUMENT_ROOT=/srv/shop`."},
  {"protocol", "socket-protocol", text, "uwsgi", tenant, honoured, apply_protocol, "What the `command` speaks on its `socket`: uwsgi, http, fastcgi or scgi."},
  {"chmod-socket", "chmod", mode, "by umask", tenant, honoured, apply_chmod_socket, "Mode of the unix sockets; without a value 666."},
  {"chown-socket", "", text, "", tenant, honoured, set_text<&C::chown_socket>, "`user[:group]` of the unix sockets."},
  {"listen", "", number, "min(4096, somaxconn)", tenant, honoured, apply_listen, "Backlog of its sockets."},

  // the application
  {"command", "", base::ValueType::command, "", tenant, honoured, set_text<&C::command>, "A server of the tenant's own instead of a Python application, started as `/bin/sh -c 'exec COMMAND'`. It serves what `socket` names: as descriptors 3, 4, ... by LISTEN_FDS, the first one as standard input, too."},
  {"command-type", "", text, "uwsgi for programs called so, else simple", tenant, honoured, apply_command_type, "How the command says that it is ready: `simple` (it stays alive for startsecs), `notify` (sd_notify(3)), `uwsgi` (uWSGI's emperor protocol)."},
  {"startsecs", "", duration, "1", tenant, honoured, set_duration<&C::startsecs>, "How long a simple command has to stay alive to count as ready."},
  {"stop-signal", "", text, "TERM", tenant, honoured, apply_stop_signal, "The signal that asks the command to finish; a uwsgi is asked by its emperor protocol."},
  {"chdir", "", text, "directory of the file", tenant, honoured, apply_chdir, "Working directory, entered before the application is loaded."},
  {"wsgi-file", "file", text, "", tenant, honoured, set_text<&C::wsgi_file>, "Python file with the application."},
  {"module", "wsgi", text, "", tenant, honoured, set_text<&C::module>, "Python module with the application: `pkg.mod`, `pkg.mod:name`, `pkg.mod:factory()`."},
  {"callable", "", text, "application", tenant, honoured, set_text<&C::callable>, "Name of the application in its module or file."},
  {"interface", "", text, "auto", tenant, honoured, apply_interface, "How the application is called: `wsgi`, `asgi`, or `auto` to look at it: a coroutine function, or an object that is called as one, is ASGI."},
  {"asgi-connections", "", number, "1000", tenant, honoured, apply_asgi_connections, "Requests and WebSockets that one worker of an ASGI application holds at once; further ones wait for another worker, or for room."},
  {"websockets-max-size", "websocket-max-size", number, "1024", tenant, honoured, apply_websockets_max_size, "Kilobytes that one message of a WebSocket may have, at most 1048576; the sender of a larger one is closed with 1009."},
  {"pythonpath", "pp python-path", list, "", tenant, honoured, add_text<&C::pythonpath>, "Put in front of sys.path; the last one ends up first."},
  {"virtualenv", "venv home pyhome", text, "", tenant, honoured, set_text<&C::virtualenv>, "Python environment of the application."},
  {"pyargv", "", text, "", tenant, honoured, apply_pyargv, "sys.argv[1:], split at spaces."},
  {"mount", "", list, "", tenant, honoured, apply_mount, "`/prefix=app.py` or `/prefix=mod:name`: an application below a path."},
  {"manage-script-name", "", flag, "false", tenant, honoured, set_flag<&C::manage_script_name>, "Move the mount point from PATH_INFO to SCRIPT_NAME."},
  {"env", "ienv", list, "", tenant, honoured, apply_env, "`NAME=value` in the application's environment."},
  {"unenv", "", list, "", tenant, honoured, add_text<&C::unenv>, "Take a variable out of the environment."},
  {"static-map", "", list, "", tenant, honoured, apply_static_map, "`/prefix=directory`: files served without the application."},
  {"lazy-apps", "lazy", flag, "false", tenant, honoured, set_flag<&C::lazy_apps>, "Load the application in each worker after the fork."},

  // workers
  {"processes", "workers", number, "1", tenant, honoured, apply_processes, "Worker processes, 1 to 1023."},
  {"threads", "", number, "1", tenant, honoured, apply_threads, "Threads of each worker."},
  {"harakiri", "", duration, "off", tenant, honoured, set_duration<&C::harakiri>, "The longest that one request may take; then its worker is killed."},
  {"max-requests", "", number, "off", tenant, honoured, set_number<&C::max_requests>, "A worker is replaced after so many requests."},
  {"max-requests-delta", "", number, "0", tenant, honoured, set_number<&C::max_requests_delta>, "Added to max-requests once per worker number, so that not all leave at once."},
  {"worker-reload-mercy", "", duration, "60", tenant, honoured, set_duration<&C::worker_reload_mercy>, "How long a leaving worker may finish its requests."},
  {"reload-mercy", "", duration, "60", tenant, honoured, set_duration<&C::reload_mercy>, "How long a replaced or stopped generation may finish its requests."},
  {"socket-timeout", "", duration, "4", tenant, honoured, set_duration<&C::socket_timeout>, "The longest silence while a request is read or an answer is written."},
  {"start-timeout", "", duration, "60", tenant, honoured, set_duration<&C::start_timeout>, "The longest that a start may take."},
  {"heartbeat", "", duration, "off", tenant, honoured, set_duration<&C::heartbeat>, "Tell the emperor so often that requests are being finished, or could be; silence longer than its emperor-required-heartbeat restarts the vassal."},
  {"health-check", "", text, "", tenant, honoured, apply_health_check, "`/path`: a generation is ready once it has answered a request for that with 2xx or 3xx; before, no visitor reaches it."},
  {"health-check-timeout", "", duration, "10", tenant, honoured, set_duration<&C::health_check_timeout>, "The longest that the answer to health-check may take."},
  {"touch-reload", "fs-reload", list, "", tenant, honoured, apply_touch_reload, "A file whose change starts a fresh generation, as a changed vassal file does."},
  {"touch-workers-reload", "touch-chain-reload", list, "", tenant, honoured, apply_touch_workers_reload, "A file whose change replaces the workers one after the other; new code comes with it only with lazy-apps."},
  {"idle", "", duration, "off", tenant, honoured, apply_idle, "Seconds without a request after which the vassal is put to sleep: nothing of it runs until the next one."},
  {"start", "", text, "now", tenant, honoured, apply_start, "`lazy`: it sleeps from the beginning, until the first request."},
  {"cheap", "", flag, "false", tenant, mapped, set_flag<&C::start_lazy>, "The same as start = lazy: nothing runs until the first request."},
  {"buffer-size", "", number, "65535", tenant, honoured, apply_buffer_size, "Bytes of variables that one request may have."},
  {"limit-post", "", number, "0", tenant, honoured, set_number<&C::limit_post>, "Bytes that a request body may have; 0 is no limit of the vassal's own."},

  // around its start and its end
  {"exec-as-user", "exec-asap exec-pre-jail exec-post-jail exec-in-jail", base::ValueType::command, "", tenant, honoured, apply_hook, "A shell command before anything else, as the vassal's user. If it fails, so does the start."},
  {"exec-pre-app", "", base::ValueType::command, "", tenant, honoured, apply_hook, "The same, right before the application is loaded."},
  {"exec-post-app", "", base::ValueType::command, "", tenant, honoured, apply_hook, "The same, once it is loaded."},
  {"exec-as-user-atexit", "", base::ValueType::command, "", tenant, honoured, apply_hook, "The same at the end of a generation; its failure is only logged."},
  {"hook-as-user", "hook-asap hook-pre-jail hook-post-jail hook-in-jail hook-pre-app hook-post-app hook-as-user-atexit", base::ValueType::command, "", tenant, honoured, apply_hook, "`action:arguments` at the phase that the name says: exec, safeexec, chdir, mkdir, putenv, chmod, create, write, append, unlink, print, exit, wait_for_fs, wait_for_file, wait_for_dir, wait_for_socket."},
  {"exec-as-vassal", "hook-as-vassal", base::ValueType::command, "", operator_only, honoured, apply_hook, "The operator's own, before those of the vassal's file, as the vassal's user."},
  {"exec-as-root", "hook-as-root", base::ValueType::command, "", operator_only, honoured, apply_hook, "A command that the emperor runs as root before each start. Only in the operator's defaults and policy."},
  {"exec-as-emperor", "hook-as-emperor", base::ValueType::command, "", operator_only, honoured, apply_hook, "A command that the emperor runs as root behind each start; its failure is only logged. Only in the operator's defaults and policy."},
  {"hook-timeout", "", duration, "30", operator_only, honoured, set_duration<&C::hook_timeout>, "How long each of these may take."},

  // limits
  {"memory-max", "", size, "", operator_only, honoured, set_limit_size<&L::memory_max>, "Memory of the whole vassal (`256M`); beyond it the OOM killer comes."},
  {"memory-high", "", size, "", operator_only, honoured, set_limit_size<&L::memory_high>, "Memory beyond which the vassal is slowed down."},
  {"cpu-max", "", percent, "", operator_only, honoured, apply_cpu_max, "CPU time, of one CPU: `50%`, `200%`."},
  {"cpu-weight", "", number, "100", operator_only, honoured, apply_cpu_weight, "Share of the CPU among busy vassals, 1 to 10000."},
  {"pids-max", "", number, "", operator_only, honoured, apply_pids_max, "Processes and threads together."},
  {"io-max", "", list, "", operator_only, honoured, apply_io_max, "A line of cgroup v2's io.max."},
  {"cgroup", "", list, "", operator_only, mapped, apply_cgroup, "The emperor makes a group for every vassal below its cgroup-root; this directory is not used."},
  {"cgroup-opt", "", list, "", operator_only, mapped, apply_cgroup_opt, "`memory.limit_in_bytes`, `cpu.shares` and the like become memory-max, cpu-weight ...; other files are written as given where they exist."},
  {"limit-as", "", megabytes, "", tenant, honoured, apply_limit_as, "Address space of each process, in megabytes."},
  {"limit-nproc", "", number, "", tenant, honoured, set_optional_number<&C::limit_nproc>, "Processes of the user (RLIMIT_NPROC)."},
  {"max-fd", "", number, "65536 (soft)", operator_only, honoured, set_optional_number<&C::max_fd>, "Open files of each process (RLIMIT_NOFILE)."},
  {"prio", "", number, "", operator_only, honoured, apply_prio, "Nice value, -20 to 19."},
  {"umask", "", mode, "inherited", tenant, honoured, apply_umask, "File mode mask of the vassal, octal."},

  // queue in the router
  {"queue-max", "", number, "the router's", operator_only, honoured, apply_queue_max, "Requests that may wait for this vassal."},
  {"queue-timeout", "", duration, "the router's", tenant, honoured, apply_queue_timeout, "The longest that a request waits for this vassal."},
  {"concurrency-max", "", number, "no limit", operator_only, honoured, apply_concurrency_max, "Requests of this vassal that may be under way at once through one router process, over HTTP or to a command; the next ones wait as by queue-max and queue-timeout."},
  {"bandwidth-max", "", size, "no limit", operator_only, honoured, apply_bandwidth_max, "Bytes a second of this vassal's answers that go through one router process, over HTTP or from a command."},

  // logs
  {"logto", "log-to", text, "the vassal's own log file", tenant, honoured, apply_logto, "File that takes what the vassal prints."},
  {"logto2", "", text, "", tenant, mapped, apply_logto, "The same as logto: the file is opened once."},
  {"daemonize", "daemonize2", text, "", tenant, mapped, apply_daemonize, "The same as logto: the emperor keeps the process."},
  {"logger", "", list, "file", tenant, honoured, apply_logger, "Where the log goes: `file`, `journald` or `syslog`; several lines for several places."},
  {"log-encoder", "", format, "text", tenant, honoured, apply_log_encoder, "`text`, or `json`: one object a line with time, vassal and line."},
  {"log-date", "logdate log-prefix", format, "", tenant, honoured, apply_log_date, "Puts the time in front of each line, in a format of strftime."},
  {"log-maxsize", "log-max-size", size, "16M", tenant, honoured, apply_log_maxsize, "Size at which the log is put away as NAME.1 and a fresh one begun. The emperor's log-space bounds all of them."},
  {"log-max-age", "", duration, "off", tenant, honoured, set_duration<&C::log_max_age>, "Age at which the log is put away."},
  {"log-keep", "", number, "4", tenant, honoured, apply_log_keep, "How many logs that were put away are kept, at most 100."},
  {"touch-logrotate", "", list, "", tenant, honoured, apply_touch_logrotate, "A file whose change puts the log away."},
  {"touch-logreopen", "", list, "", tenant, honoured, apply_touch_logreopen, "A file whose change opens the log again, after another program put it away."},
  {"log-rate", "", size, "8M", operator_only, honoured, apply_log_rate, "Bytes per second that are logged, with a burst of five seconds' worth; what is above is dropped and counted. `max` is no limit."},
  {"log-rate-lines", "", number, "off", operator_only, honoured, set_number<&C::log_rate_lines>, "Lines per second that are logged."},
  {"disable-logging", "", flag, "false", tenant, honoured, set_flag<&C::disable_logging>, "No line per request."},
  {"log-format", "logformat", format, "", tenant, honoured, set_text<&C::log_format>, "Format of the line per request."},
  {"log-x-forwarded-for", "", flag, "false", tenant, honoured, set_flag<&C::log_x_forwarded_for>, "Log the client named by X-Forwarded-For."},
  {"strict", "", flag, "false", tenant, honoured, set_flag<&C::strict>, "Unknown keys are errors."},
};
// clang-format on

std::vector<Row> all_rows() {
  std::vector<Row> out(served_rows().begin(), served_rows().end());
  out.insert(out.end(), other_rows().begin(), other_rows().end());
  return out;
}

}  // namespace

std::span<const Row> served_rows() {
  return kRows;
}

const OptionTable& option_table() {
  static const std::vector<Row> rows = all_rows();
  static const OptionTable table{rows};
  return table;
}

std::string option_reference() {
  return option_table().reference();
}

}  // namespace vassal
