#include "vassal/options.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

using vassal::option_table;

TEST_SUITE("config") {
  TEST_CASE("options: no name stands twice in the table") {
    std::set<std::string> seen;
    for (const auto& row : option_table().rows()) {
      std::string names = std::string(row.name) + " " + std::string(row.aliases) + " ";
      for (size_t at; (at = names.find(' ')) != names.npos; names.erase(0, at + 1)) {
        const std::string name = names.substr(0, at);
        if (name.empty()) continue;
        CAPTURE(name);
        CHECK(seen.insert(name).second);
        REQUIRE(option_table().find(name) != nullptr);
        CHECK(option_table().find(name)->name == row.name);
      }
    }
    CHECK(seen.size() > 300);
  }

  TEST_CASE("options: a row that is honoured does something, the others say why not") {
    for (const auto& row : option_table().rows()) {
      CAPTURE(row.name);
      CHECK_FALSE(row.help.empty());
      const bool acts = row.apply != nullptr;
      if (row.treatment == base::Treatment::honoured) CHECK(acts);
    }
  }

  TEST_CASE("options: every option of the list that files in the wild use is known") {
    const char* names[] = {"master",
                           "processes",
                           "workers",
                           "chdir",
                           "uid",
                           "gid",
                           "socket",
                           "uwsgi-socket",
                           "module",
                           "wsgi",
                           "vacuum",
                           "emperor",
                           "enable-threads",
                           "logto",
                           "chmod-socket",
                           "chmod",
                           "threads",
                           "pidfile",
                           "wsgi-file",
                           "file",
                           "max-requests",
                           "env",
                           "die-on-term",
                           "http",
                           "plugins",
                           "plugin",
                           "harakiri",
                           "virtualenv",
                           "home",
                           "venv",
                           "buffer-size",
                           "callable",
                           "http-socket",
                           "stats",
                           "disable-logging",
                           "log-maxsize",
                           "auto-procname",
                           "static-map",
                           "single-interpreter",
                           "ini",
                           "strict",
                           "pythonpath",
                           "pp",
                           "lazy-apps",
                           "post-buffering",
                           "log-backupname",
                           "daemonize",
                           "touch-reload",
                           "logger",
                           "log-format",
                           "logformat",
                           "offload-threads",
                           "procname-prefix",
                           "procname-prefix-spaced",
                           "smart-attach-daemon",
                           "smart-attach-daemon2",
                           "need-app",
                           "thunder-lock",
                           "log-date",
                           "logdate",
                           "memory-report",
                           "attach-daemon",
                           "cap",
                           "disable-write-exception",
                           "reload-on-rss",
                           "cheaper",
                           "listen",
                           "vassal-set",
                           "vassals-set",
                           "no-orphans",
                           "chown-socket",
                           "emperor-tyrant",
                           "fastrouter",
                           "fastrouter-subscription-server",
                           "ignore-sigpipe",
                           "ignore-write-errors",
                           "log-master",
                           "logfile-chown",
                           "logfile-chmod",
                           "idle",
                           "socket-timeout",
                           "worker-reload-mercy",
                           "http-keepalive",
                           "http-timeout",
                           "subscribe-to",
                           "vassals-include",
                           "req-logger",
                           "logto2",
                           "log-5xx",
                           "log-4xx",
                           "log-slow",
                           "protocol",
                           "cheap",
                           "cheaper-initial",
                           "cheaper-step",
                           "cheaper-algo",
                           "cron",
                           "hook-as-root",
                           "exit-on-reload",
                           "subscriptions-sign-check",
                           "subscriptions-use-credentials",
                           "subscriptions-credentials-check",
                           "emperor-stats",
                           "emperor-stats-server",
                           "manage-script-name",
                           "mount",
                           "reload-mercy",
                           "log-x-forwarded-for",
                           "route",
                           "route-run",
                           "cgroup",
                           "cgroup-opt",
                           "limit-as",
                           "max-worker-lifetime",
                           "check-static",
                           "static-index",
                           "static-expires",
                           "static-gzip-all",
                           "static-skip-ext",
                           "static-safe",
                           "die-on-idle",
                           "vhost",
                           "emperor-on-demand-extension",
                           "emperor-on-demand-directory",
                           "emperor-on-demand-exec",
                           "emperor-use-clone",
                           "emperor-nofollow",
                           "subscription-dotsplit",
                           "subscription-tolerance",
                           "subscribe-freq",
                           "subscribe2",
                           "subscription-algo",
                           "weight",
                           "fastrouter-use-pattern",
                           "fastrouter-use-base",
                           "fastrouter-to",
                           "fastrouter-fallback",
                           "fastrouter-stats",
                           "fastrouter-processes",
                           "fastrouter-timeout",
                           "exec-as-root",
                           "exec-as-user",
                           "exec-pre-app",
                           "exec-asap",
                           "add-gid",
                           "no-initgroups",
                           "limit-nproc",
                           "max-fd",
                           "prio",
                           "unshare",
                           "pivot-root",
                           "chroot",
                           "namespace",
                           "master-fifo",
                           "set-ph",
                           "set",
                           "declare-option",
                           "include",
                           "inherit",
                           "vassals-inherit",
                           "spooler",
                           "mule",
                           "mules",
                           "cache2",
                           "py-autoreload",
                           "touch-chain-reload",
                           "touch-logreopen",
                           "touch-workers-reload",
                           "harakiri-verbose",
                           "harakiri-graceful-timeout",
                           "emperor-throttle",
                           "emperor-max-throttle",
                           "emperor-required-heartbeat",
                           "emperor-curse-tolerance",
                           "emperor-freq",
                           "emperor-graceful-shutdown",
                           "emperor-no-blacklist",
                           "ksm"};
    for (const char* name : names) {
      CAPTURE(name);
      CHECK(option_table().find(name) != nullptr);
    }
  }

  TEST_CASE("options: uWSGI's other names are known as such") {
    CHECK(vassal::is_uwsgi_name("tuntap-device"));
    CHECK(vassal::is_uwsgi_name("http-resubscribe"));
    CHECK_FALSE(vassal::is_uwsgi_name("vaccum"));
    CHECK_FALSE(vassal::is_uwsgi_name(""));
  }

  TEST_CASE("options: the reference is a table with a line for each") {
    const std::string text = vassal::option_reference();
    CHECK(text.find("| `memory-max` | size |  | operator | honoured | Memory of the "
                    "whole vassal") != std::string::npos);
    CHECK(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) ==
          option_table().rows().size() + 2);
  }
}
