// Router: one fastrouter process. Owns the doors, the routes, the vassals and all
// sessions; does what the emperor says on the control channel.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "router/control.h"
#include "router/error_page_files.h"
#include "router/gathering.h"
#include "router/http_door.h"
#include "router/listener.h"
#include "router/node_finder.h"
#include "router/page_server.h"
#include "router/registrar.h"
#include "router/services.h"
#include "router/subscription_server.h"
#include "router/tls.h"
#include "router/uwsgi_door.h"

namespace router {

class Router : private ControlTarget, private VassalEvents {
 public:
  /// `control` may be empty: the router runs alone, with the sockets given to listen().
  Router(uvx::Loop& loop,
         base::Log& log,
         const Options& options,
         const Capacity& capacity,
         base::Fd control);

  enum class Page { stats, metrics };
  /// Gives a page of figures to whoever connects to `socket`.
  void show(Page page, base::Fd socket);
  enum class Door { uwsgi, http, https };
  /// Accepts from `socket` once start() was called or the emperor said `synced`.
  /// `helper`: another process of this router does as long as it keeps up.
  void listen(Door door, base::Fd socket, bool helper = false);
  void start_accepting();
  /// Hears subscriptions on `socket` (SubscriptionServer::bind()).
  void hear_subscriptions(base::Fd socket);
  /// For connections under TLS from now on.
  void take_certificates(wire::Certificates certificates);
  /// Serves until drain() and the end of everything under way.
  uvx::Task<void> run();
  /// Its access log's file was moved away.
  void reopen_log() { ledger_.reopen_log(); }
  /// Stops accepting, finishes what was accepted. A second call gives up what is parked.
  void drain();

 private:
  void on_message(const wire::Message& message, std::vector<base::Fd> fds) override;
  void on_control_end() override;
  void dismiss(VassalId id, Parcel parcel, const Refusal& refusal) override;
  void moved_on(VassalId id, const Parcel& parcel) override;
  void spoiled(VassalId id) override;
  void wanted(VassalId id) override;

  void on_listen(const wire::Message& message, std::vector<base::Fd> fds);
  void on_certificates(std::vector<base::Fd> fds);
  void on_ticket_keys(const wire::Message& message);
  void on_sibling(const wire::Message& message, std::vector<base::Fd> fds);
  void on_synced(const wire::Message& message);
  void on_vassal(const wire::Message& message, std::vector<base::Fd> fds);
  void on_state(const wire::Message& message);
  void on_remove(const wire::Message& message);
  void on_route(const wire::Message& message);
  wire::RouterFigures own_figures() const;
  void send_figures(const wire::Message& question);
  static uvx::Task<std::string> make_page(Router* self, Page page);
  Tls& tls();
  Reception& reception(Door door);
  void tell(const wire::Message& message);
  /// Accepts once it knows what its siblings know.
  uvx::Task<void> accept_informed();
  /// Ends the duties once nothing is under way any more.
  uvx::Task<void> finish();

  uvx::Loop& loop_;
  base::Log& log_;
  const Options& options_;
  Capacity capacity_;
  RouteTable routes_;
  Vassals vassals_;
  uvx::TaskGroup sessions_;
  uvx::TaskGroup duties_;  // listeners, control, the sweep
  Ledger ledger_;
  Scratch scratch_;
  NodeLinks links_;
  Subscriptions nodes_;
  NodeFinder finder_;
  SubscriptionPolicy subscription_policy_;
  Registrar registrar_;
  std::list<SubscriptionServer> subscription_servers_;
  Services services_;
  UwsgiDoor uwsgi_door_;
  PeerCounts clients_;  // of both HTTP doors
  HttpDoor http_door_;
  std::optional<ErrorPageFiles> error_pages_;
  Gathering gathering_;
  std::list<PageServer> page_servers_;
  std::optional<Tls> tls_;  // once somebody wants it
  std::optional<HttpDoor> https_door_;
  std::vector<std::string> addresses_;  // of its doors and where it hears subscriptions
  std::list<Listener> listeners_;
  std::optional<Control> control_;
  std::string rules_;  // of the first emperor
  bool accepting_ = false;
  bool draining_ = false;
};

}  // namespace router
