// fastrouter: reads its options, raises its descriptor limit, and runs a Router until it
// is told to drain.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <span>

#include "router/bind.h"
#include "router/command_line.h"
#include "router/router.h"

namespace {

using router::Options;

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

uvx::Task<void> reopen_on_signal(uvx::SignalWatch& watch, router::Router& router) {
  while (co_await watch.next())
    router.reopen_log();
}

void set_mode(const std::string& address, const Options& options) {
  if (!options.socket_mode || !address.starts_with('/')) return;
  if (::chmod(address.c_str(), *options.socket_mode) != 0)
    std::fprintf(stderr, "fastrouter: chmod %s: %s\n", address.c_str(),
                 std::strerror(errno));
}

/// Binds the addresses given on the command line; false if one cannot be.
bool listen_alone(router::Router& router, const Options& options) {
  using Door = router::Router::Door;
  bool all = true;
  const auto listen = [&](const std::vector<std::string>& addresses, Door door) {
    for (const std::string& address : addresses) {
      auto socket = router::bind_listener(address);
      if (socket && door == Door::uwsgi) set_mode(address, options);
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

/// Opens what nodes subscribe at; false if one cannot be bound.
bool hear_subscriptions(router::Router& router, const Options& options, base::Log& log) {
  for (const std::string& address : options.subscription_servers) {
    auto socket = router::SubscriptionServer::bind(address);
    if (!socket) {
      std::fprintf(stderr, "fastrouter: %s\n", socket.error().message().c_str());
      return false;
    }
    log.info("router: hears subscriptions address={}", address);
    router.hear_subscriptions(*std::move(socket));
  }
  if (!options.subscription_servers.empty() && !options.subscription_proofs.any())
    log.warn(
        "router: whoever can send there may subscribe any host: give "
        "subscriptions-sign-check or subscriptions-credentials-check");
  return true;
}

int serve(const Options& options) {
  base::Log log = base::Log::to_stderr("router", options.log_level);
  uvx::Loop loop;
  const auto capacity =
      router::capacity_for(router::descriptor_limit(), options.queue_total);
  router::Router router(
      loop, log, options, capacity,
      options.control_fd < 0 ? base::Fd() : base::Fd(options.control_fd));
  if (!listen_alone(router, options) || !hear_subscriptions(router, options, log))
    return 2;
  if (options.control_fd < 0) router.start_accepting();

  uvx::SignalWatch terminate(loop, SIGTERM);
  uvx::SignalWatch interrupt(loop, SIGINT);
  uvx::SignalWatch reopen(loop, SIGUSR1);
  uvx::TaskGroup signals(loop);
  signals.spawn(drain_on_signal(terminate, router));
  signals.spawn(drain_on_signal(interrupt, router));
  signals.spawn(reopen_on_signal(reopen, router));
  loop.run(router.run());
  terminate.close();
  interrupt.close();
  reopen.close();
  loop.run(signals.join());
  log.info("router: done");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    const std::span arguments(argv, static_cast<size_t>(argc));
    if (const auto code = router::parse_command_line(arguments, options)) return *code;
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    return serve(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fastrouter: %s\n", error.what());
    return 1;
  }
}
