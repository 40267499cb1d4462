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
#include "router/crew.h"
#include "router/node_options.h"
#include "router/own_certificates.h"
#include "router/router.h"
#include "router/tls.h"
#include "router/user.h"

namespace {

using router::Options;
using router::OwnCertificates;

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

using Door = router::Router::Door;

/// What the router listens on when it runs alone.
struct Bound {
  struct Listener {
    Door door;
    base::Fd socket;
  };
  std::vector<Listener> listeners;
  std::vector<base::Fd> subscriptions;
  struct PageListener {
    router::Router::Page page;
    base::Fd socket;
  };
  std::vector<PageListener> pages;
};

base::Result<> bind_doors(const std::vector<std::string>& addresses,
                          Door door,
                          const Options& options,
                          Bound& bound) {
  for (const std::string& address : addresses) {
    TRY_ASSIGN(auto socket, router::bind_listener(address));
    if (door == Door::uwsgi) set_mode(address, options);
    bound.listeners.push_back({door, std::move(socket)});
  }
  return {};
}

/// Everything that may need rights that the router gives up.
base::Result<Bound> bind_all(const Options& options) {
  Bound bound;
  TRY(bind_doors(options.router_uwsgi, Door::uwsgi, options, bound));
  TRY(bind_doors(options.router_http, Door::http, options, bound));
  TRY(bind_doors(options.router_https, Door::https, options, bound));
  for (const std::string& address : options.subscription_servers) {
    TRY_ASSIGN(auto socket, router::SubscriptionServer::bind(address));
    bound.subscriptions.push_back(std::move(socket));
  }
  using enum router::Router::Page;
  for (const auto& [page, address] :
       {std::pair(stats, options.stats), std::pair(metrics, options.metrics)}) {
    if (address.empty()) continue;
    // Figures are for this machine, unless somebody says otherwise.
    TRY_ASSIGN(auto socket,
               router::bind_listener(address.starts_with(':') ? "127.0.0.1" + address
                                                              : address));
    bound.pages.push_back({page, std::move(socket)});
  }
  return bound;
}

void tell_of_nodes(const Options& options, base::Log& log) {
  for (const std::string& address : options.subscription_servers)
    log.info("router: hears subscriptions address={}", address);
  if (!options.subscription_servers.empty() && !options.subscription_proofs.any())
    log.warn(
        "router: whoever can send there may subscribe any host: give "
        "subscriptions-ssh-keys, subscriptions-sign-check or "
        "subscriptions-credentials-check");
  if (const auto unused = router::unused_mapper(options); !unused.empty())
    log.warn("router: {}", unused);
}

/// Null if the router does not run alone, or without TLS.
base::Result<std::unique_ptr<OwnCertificates>> own_certificates(uvx::Loop& loop,
                                                                base::Log& log,
                                                                router::Router& router,
                                                                const Options& options) {
  if (options.control_fd >= 0 || options.router_https.empty()) return nullptr;
  using enum OwnCertificates::Tickets;
  return OwnCertificates::open(loop, log, router, options.certificates,
                               options.processes == 1 ? own : given);
}

/// Alone: binds, becomes who it is to be, and, if there are to be several processes,
/// starts them: `control` then is that of this one. An exit code if there is nothing to
/// serve here.
base::Result<std::optional<int>> prepare_alone(const Options& options,
                                               base::Log& log,
                                               Bound& bound,
                                               base::Fd& control) {
  TRY_ASSIGN(bound, bind_all(options));
  TRY(router::become(options.user, options.group));
  tell_of_nodes(options, log);
  if (options.processes == 1) return std::nullopt;
  std::vector<router::CrewSocket> sockets;
  sockets.reserve(bound.listeners.size() + bound.subscriptions.size() +
                  bound.pages.size());
  for (auto& [door, socket] : bound.listeners)
    sockets.push_back({door == Door::uwsgi  ? "uwsgi"
                       : door == Door::http ? "http"
                                            : "https",
                       std::move(socket)});
  for (auto& socket : bound.subscriptions)
    sockets.push_back({"subscriptions", std::move(socket)});
  for (auto& [page, socket] : bound.pages)
    sockets.push_back(
        {page == router::Router::Page::stats ? "stats" : "metrics", std::move(socket)});
  bound = {};
  auto member = router::run_crew(options.processes, std::move(sockets), log);
  if (!member) return 0;
  control = *std::move(member);
  return std::nullopt;
}

int serve(const Options& options) {
  base::Log log = base::Log::to_stderr("router", options.log_level);
  base::Fd control(options.control_fd);
  // Before there can be keys: who is attached by then, or has our files open, stays so.
  if (control || !options.router_https.empty()) router::hide_memory();
  Bound bound;
  if (!control) {
    const auto prepared = prepare_alone(options, log, bound, control);
    if (!prepared) {
      std::fprintf(stderr, "fastrouter: %s\n", prepared.error().message().c_str());
      return 2;
    }
    if (const auto& code = *prepared) return *code;
  }
  const bool alone = !control;
  uvx::Loop loop;
  const auto capacity =
      router::capacity_for(router::descriptor_limit(), options.queue_total);
  router::Router router(loop, log, options, capacity, std::move(control));
  const auto certificates = own_certificates(loop, log, router, options);
  if (!certificates) {
    std::fprintf(stderr, "fastrouter: certificates: %s\n",
                 certificates.error().message().c_str());
    return 2;
  }
  for (auto& [door, socket] : bound.listeners)
    router.listen(door, std::move(socket));
  for (auto& socket : bound.subscriptions)
    router.hear_subscriptions(std::move(socket));
  for (auto& [page, socket] : bound.pages)
    router.show(page, std::move(socket));
  if (alone) router.start_accepting();

  uvx::SignalWatch terminate(loop, SIGTERM);
  uvx::SignalWatch interrupt(loop, SIGINT);
  uvx::SignalWatch reopen(loop, SIGUSR1);
  uvx::TaskGroup signals(loop);
  signals.spawn(drain_on_signal(terminate, router));
  signals.spawn(drain_on_signal(interrupt, router));
  signals.spawn(reopen_on_signal(reopen, router));
  if (*certificates) signals.spawn((*certificates)->follow());
  loop.run(router.run());
  if (*certificates) (*certificates)->close();
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
