// uWSGI's options that are accepted without doing anything, each with the reason that
// `check` prints; and the few whose absence could harm, so that the file is refused.
#include "vassal/apply.h"
#include "vassal/options.h"

namespace vassal {

namespace {

using enum base::ValueType;
using base::SetBy;
using base::Treatment;

constexpr Row ignore(std::string_view name,
                     std::string_view aliases,
                     std::string_view reason,
                     base::ValueType type = text) {
  return {name, aliases, type, "", SetBy::tenant, Treatment::ignored, nullptr, reason};
}
constexpr Row missing(std::string_view name,
                      std::string_view aliases,
                      std::string_view reason,
                      base::ValueType type = text) {
  return {name, aliases, type, "", SetBy::tenant, Treatment::missing, nullptr, reason};
}
constexpr Row refuse(std::string_view name,
                     std::string_view aliases,
                     std::string_view reason) {
  return {name, aliases, format, "", SetBy::tenant, Treatment::refused, nullptr, reason};
}

// clang-format off
constexpr Row kRows[] = {
  // read while the file is expanded
  ignore("ini", "config", "the file is read in its place"),
  ignore("include", "inherit", "the file is read in its place"),
  ignore("set", "set-ph set-placeholder", "the pair is set", format),
  ignore("declare-option", "declare-option2", "the option is declared", format),

  // always so
  ignore("master", "", "a vassal always has a master", flag),
  ignore("vacuum", "", "sockets and files are always cleaned up", flag),
  ignore("need-app", "", "always so: a vassal without its application is not ready", flag),
  ignore("die-on-term", "", "always so: SIGTERM ends a vassal gracefully", flag),
  ignore("no-orphans", "", "always so: the processes of a vassal end together", flag),
  ignore("enable-threads", "", "always so", flag),
  ignore("single-interpreter", "", "always so: one interpreter per process", flag),
  ignore("thunder-lock", "", "not needed: one worker wakes up per request", flag),
  ignore("py-call-osafterfork", "py-call-uwsgi-fork-hooks", "always so", flag),
  ignore("ignore-sigpipe", "", "always so", flag),
  ignore("ignore-write-errors", "disable-write-exception write-errors-tolerance write-errors-exception-only", "a client that leaves is no error"),
  ignore("auto-procname", "procname procname-master procname-append procname-prefix procname-prefix-spaced", "processes always carry the vassal's name"),
  ignore("wsgi-env-behaviour", "wsgi-env-behavior", "every request has an environ of its own"),
  ignore("wsgi-disable-file-wrapper", "", "wsgi.file_wrapper may be used or not", flag),
  ignore("wsgi-accept-buffer", "wsgi-accept-buffers wsgi-strict", "PEP 3333 is followed", flag),
  ignore("post-buffering", "post-buffering-bufsize", "bodies are read as the application asks for them"),
  ignore("log-master", "log-master-bufsize threaded-logger", "the log has a writer of its own"),
  ignore("logformat-strftime", "log-micros", "request lines carry the time"),
  ignore("log-backupname", "log-reopen log-truncate", "the logs that were put away are called NAME.1, NAME.2 ..."),
  ignore("die-on-idle", "", "idle alone puts a vassal to sleep", flag),
  ignore("autoload", "", "the Python runtime is built in", flag),
  ignore("no-default-app", "", "a path below no mount point is 404 if there is no other application", flag),
  ignore("abstract-socket", "", "write @name for an abstract socket", flag),
  ignore("ksm", "", "memory is shared by forking after the application was loaded"),
  ignore("max-vars", "", "the number of variables is bounded by buffer-size"),
  ignore("locks", "", "not used"),
  ignore("binary-path", "", "the emperor knows its programs"),
  ignore("plugins-dir", "plugin-dir", "plugins are built in"),
  ignore("show-config", "", "`emperorctl explain` shows it", flag),
  ignore("exit-on-reload", "", "a reload is a new generation", flag),
  ignore("no-defer-accept", "so-keepalive tcp-nodelay reuse-port", "set by the emperor where it helps"),
  ignore("no-threads-wait", "", "bounded by worker-reload-mercy", flag),
  ignore("honour-stdin", "", "a vassal has no terminal", flag),
  ignore("harakiri-verbose", "harakiri-no-arh", "a killed request is always logged"),
  ignore("memory-report", "", "`emperorctl ls` shows the memory", flag),
  ignore("check-interval", "", "the master acts on events"),
  ignore("max-apps", "", "as many as there are mount points"),
  ignore("http-timeout", "http-keepalive http-headers-timeout http-connect-timeout http-auto-chunked http-websockets http-chunked-input http-manage-source http-server-name-as-http-host", "the fastrouter has its own"),

  // files that nobody writes
  missing("pidfile", "pidfile2 safe-pidfile safe-pidfile2", "not written: `emperorctl ls` shows the pid"),
  missing("stats", "stats-server stats-http stats-minified", "not served: ask `emperorctl`"),
  missing("master-fifo", "", "not made: use `emperorctl`"),
  missing("py-tracebacker", "", "not made"),

  // other ways in
  missing("http", "http-to https https2 http-router", "the emperor's fastrouter serves HTTP (router-http, router-https); `domain` says for which names"),
  missing("https-socket", "", "workers do not listen for HTTP; the emperor's fastrouter does (router-https)"),
  missing("raw-socket", "fastcgi-nph-socket scgi-nph-socket puwsgi-socket suwsgi-socket ssl-socket", "of these protocols none is served"),
  missing("shared-socket", "map-socket zerg zerg-server", "sockets belong to one vassal"),

  // reloading and recycling
  missing("py-autoreload", "python-autoreload py-auto-reload python-auto-reload", "not available: `emperorctl reload` loads new code"),
  missing("max-worker-lifetime", "max-worker-lifetime-delta min-worker-lifetime", "not available in this version"),
  missing("reload-on-rss", "reload-on-as evil-reload-on-rss evil-reload-on-as reload-on-uss reload-on-pss", "not available in this version; memory-max bounds the vassal"),
  missing("reload-on-exception", "reload-on-exception-type reload-on-exception-value reload-on-exception-repr", "not available in this version"),
  missing("cheaper", "cheaper-algo cheaper-initial cheaper-step cheaper-overload cheaper-idle cheaper-rss-limit-soft cheaper-rss-limit-hard cheaper-busyness-max cheaper-busyness-min cheaper-busyness-multiplier cheaper-busyness-penalty cheaper-busyness-verbose cheaper-busyness-backlog-alert cheaper-busyness-backlog-step cheaper-busyness-backlog-multiplier cheaper-busyness-backlog-nonzero", "not available in this version: `processes` workers always run"),
  missing("harakiri-graceful-timeout", "harakiri-graceful-signal harakiri-queue-threshold", "not available in this version: harakiri kills at once"),

  // helpers beside the application
  missing("attach-daemon", "attach-daemon2 attach-control-daemon smart-attach-daemon smart-attach-daemon2 legion-attach-daemon", "not available in this version", command),
  missing("cron", "cron2 unique-cron cron-harakiri", "not available in this version", command),
  missing("mule", "mules farm", "not available in this version", command),
  missing("spooler", "spooler-processes spooler-frequency spooler-harakiri spooler-ordered spooler-quiet spooler-max-tasks spooler-chdir spooler-import", "not available in this version"),
  missing("cache2", "cache", "not available in this version"),
  missing("hook-post-fork", "hook-master-start hook-accepting hook-accepting1 hook-accepting-once hook-accepting1-once hook-touch hook-emperor-start hook-emperor-stop hook-emperor-reload hook-emperor-lost", "not run in this version", command),
  missing("import", "shared-import pyimport pymodule-alias post-pymodule-alias", "not available in this version: import it in the application"),
  missing("gevent", "gevent-monkey-patch gevent-early-monkey-patch async ugreen asyncio greenlet", "not available: workers are processes"),
  missing("alarm", "alarm-freq log-alarm alarm-listen-queue alarm-segfault alarm-backlog", "not available", command),

  // static files and answers
  missing("check-static", "static-check static-map2 static-index static-expires static-expires-type static-expires-uri static-gzip static-gzip-all static-gzip-dir static-gzip-ext static-skip-ext static-safe static-cache-paths static-cache-paths-name check-static-docroot mimefile honour-range file-serve-mode offload-threads disable-sendfile", "not available in this version; `static-map` is"),
  missing("add-header", "rem-header", "not available in this version", format),
  missing("error-page-404", "error-page-403 error-page-500", "not available in this version"),
  missing("catch-exceptions", "", "tracebacks go to the log, never to the client", flag),
  missing("vhost", "vhost-host", "give each site a vassal", flag),

  // logs
  missing("req-logger", "logger-req log-route log-req-route log-req-encoder log-filter log-drain", "a vassal has one log", format),
  missing("log-4xx", "log-5xx log-slow log-big log-zero log-ioerror log-sendfile", "with disable-logging no request is logged"),
  missing("logfile-chown", "logfile-chmod", "the emperor sets owner and mode of the log"),

  // confinement
  missing("chroot", "pivot-root pivot_root unshare unshare2 namespace ns ns-net namespace-keep-mount jailed mount-as-root umount-as-root", "not available in this version"),
  missing("cap", "", "a vassal keeps no capability"),
  missing("master-as-root", "drop-after-init drop-after-apps immediate-uid immediate-gid", "a vassal never runs as root: it starts with its own ids"),
  missing("cgroup-dir-mode", "", "the emperor sets the mode of its groups"),
  missing("cpu-affinity", "never-swap", "not available"),
  missing("chdir2", "envdir early-envdir", "not available in this version"),
  missing("optimize", "", "not available"),
  missing("no-site", "", "site is always imported", flag),
  missing("paste", "ini-paste ini-paste-logged paste-logger pecan web3 pump wsgi-lite eval pyrun pyshell", "not available: give a wsgi-file that makes the application"),

  // subscriptions
  missing("start-unsubscribed", "", "there is nothing to subscribe it later with", flag),
  ignore("subscriptions-use-credentials", "", "the kernel names the sender to a unix socket that asks", flag),

  // other languages
  missing("php-docroot", "php-index php-allowed-ext php-set php-ini php-app cgi cgi-mode cgi-index cgi-allowed-ext cgi-safe cgi-dontresolve cgi-close-stdin-on-eof psgi perl-local-lib rack rails gemset rvm-path pypy-home lua", "only Python applications are run"),

  // an emperor's business
  missing("emperor", "emperor-tyrant emperor-tyrant-nofollow emperor-stats emperor-stats-server emperor-pidfile emperor-nofollow emperor-on-demand-extension emperor-on-demand-directory emperor-on-demand-exec emperor-use-clone emperor-wrapper emperor-wrapper-override emperor-throttle emperor-max-throttle emperor-required-heartbeat emperor-curse-tolerance emperor-freq emperor-graceful-shutdown emperor-no-blacklist emperor-magic-exec emperor-extra-extension vassal-set vassals-set vassals-include vassals-include-before vassals-inherit vassals-inherit-before vassals-start-hook vassals-stop-hook", "belongs into the emperor's own configuration"),
  missing("fastrouter", "fastrouter-subscription-server fastrouter-stats fastrouter-stats-server fastrouter-processes fastrouter-timeout fastrouter-use-pattern fastrouter-use-base fastrouter-to fastrouter-fallback fastrouter-resubscribe http-subscription-server http-stats-server subscriptions-sign-check subscriptions-credentials-check subscription-tolerance subscription-dotsplit subscription-algo", "belongs into the emperor's own configuration"),

  {"plugins", "plugin", text, "", SetBy::tenant, Treatment::mapped, apply_plugins, "python is built in; nothing else is run"},
  missing("blacklist", "whitelist end-blacklist end-whitelist", "policy stands in the operator's policy file"),
  refuse("resolve", "", "names are not resolved while a file is read: write the address"),
  {"route", "route-run route-uri route-host route-if route-if-not route-user-agent route-remote-addr route-status route-label final-route response-route error-route", format, "", SetBy::tenant, Treatment::missing, apply_route, "internal routing is not available: a rule that guards something makes the file unusable, others are left out"},
};
// clang-format on

}  // namespace

std::span<const Row> other_rows() {
  return kRows;
}

}  // namespace vassal
