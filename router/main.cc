// fastrouter: reads its options, raises its descriptor limit, and runs a Router until it
// is told to drain.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "router/bind.h"
#include "router/router.h"

namespace {

using router::Options;

int parse(int argc, char** argv, Options& options) {
  CLI::App app{"fastrouter: accepts requests and hands each to the vassal of its host"};
  app.set_version_flag("--version", IMPERIUM_VERSION);
  const auto seconds = [&app](const char* name, std::chrono::seconds& target,
                              const char* help) {
    app.add_option_function<unsigned>(
           name, [&target](unsigned n) { target = std::chrono::seconds(n); }, help)
        ->default_str(std::to_string(target.count()));
  };
  app.add_option("--control-fd", options.control_fd,
                 "descriptor of the emperor's channel");
  app.add_option("--router-uwsgi", options.router_uwsgi,
                 "unix path or host:port for nginx (uwsgi protocol), when running alone");
  app.add_option("--router-http", options.router_http,
                 "host:port or unix path for HTTP/1.1, when running alone");
  seconds("--header-timeout", options.header_timeout,
          "seconds for the head of a request (408)");
  seconds("--http-timeout", options.http_timeout, "seconds of silence of an HTTP client");
  seconds("--request-timeout", options.request_timeout,
          "seconds of silence of a vassal that has an HTTP request (504)");
  seconds("--queue-timeout", options.queue_timeout,
          "seconds that a request waits for a worker (503)");
  app.add_option("--queue-max", options.queue_max, "waiting requests of one vassal")
      ->capture_default_str();
  app.add_option("--queue-total", options.queue_total, "waiting requests of all vassals")
      ->capture_default_str();
  app.add_option("--limit-post", options.limit_post,
                 "bytes of a request body, 0 for no limit")
      ->capture_default_str();
  app.add_option("--access-log", options.access_log, "file for a line per request");
  app.add_option_function<std::string>(
         "--log-level",
         [&options](const std::string& level) {
           options.log_level = level == "debug"   ? base::LogLevel::debug
                               : level == "warn"  ? base::LogLevel::warn
                               : level == "error" ? base::LogLevel::error
                                                  : base::LogLevel::info;
         },
         "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->default_str("info");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.control_fd < 0 && options.router_uwsgi.empty() &&
      options.router_http.empty()) {
    std::fputs("fastrouter: nothing to listen on: give --router-uwsgi or --router-http\n",
               stderr);
    return 2;
  }
  return -1;
}

/// Every waiting connection is a descriptor: take all that is allowed.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

uvx::Task<void> drain_on_signal(uvx::SignalWatch& watch, router::Router& router) {
  while (co_await watch.next())
    router.drain();
}

/// Binds the addresses given on the command line; false if one cannot be.
bool listen_alone(router::Router& router, const Options& options) {
  using Door = router::Router::Door;
  bool all = true;
  const auto listen = [&](const std::vector<std::string>& addresses, Door door) {
    for (const std::string& address : addresses) {
      auto socket = router::bind_listener(address);
      if (socket) {
        router.listen(door, *std::move(socket));
      } else {
        std::fprintf(stderr, "fastrouter: %s\n", socket.error().message().c_str());
        all = false;
      }
    }
  };
  listen(options.router_uwsgi, Door::uwsgi);
  listen(options.router_http, Door::http);
  return all;
}

int serve(const Options& options) {
  base::Log log = base::Log::to_stderr("router", options.log_level);
  uvx::Loop loop;
  const auto capacity =
      router::capacity_for(router::descriptor_limit(), options.queue_total);
  router::Router router(
      loop, log, options, capacity,
      options.control_fd < 0 ? base::Fd() : base::Fd(options.control_fd));
  if (!listen_alone(router, options)) return 2;
  if (options.control_fd < 0) router.start_accepting();

  uvx::SignalWatch terminate(loop, SIGTERM);
  uvx::SignalWatch interrupt(loop, SIGINT);
  uvx::TaskGroup signals(loop);
  signals.spawn(drain_on_signal(terminate, router));
  signals.spawn(drain_on_signal(interrupt, router));
  loop.run(router.run());
  terminate.close();
  interrupt.close();
  loop.run(signals.join());
  log.info("router: done");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    if (const int code = parse(argc, argv, options); code >= 0) return code;
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    return serve(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fastrouter: %s\n", error.what());
    return 1;
  }
}
