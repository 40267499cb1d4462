#include "router/router.h"

#include <unistd.h>

#include <algorithm>

#include "base/values.h"
#include "base/wire/router_control.h"
#include "base/wire/uwsgi_packet.h"
#include "router/bind.h"
#include "router/farewell.h"
#include "router/figures.h"
#include "router/stats_page.h"

namespace router {

namespace verbs = wire::router_control;

namespace {

/// Siblings that live and tell nothing for so long are stuck.
constexpr base::Duration kSiblingPatience = std::chrono::seconds(5);
/// Whatever they have to tell: nodes say again that they are there.
constexpr base::Duration kSiblingPatienceInAll = std::chrono::seconds(60);
constexpr base::Duration kSiblingLook = std::chrono::milliseconds(1);
constexpr base::Duration kLastWords = std::chrono::seconds(1);
constexpr base::Duration kDrainLook = std::chrono::milliseconds(20);

std::optional<VassalState> parse_state(std::string_view text) {
  if (text == "ready") return VassalState::ready;
  if (text == "starting") return VassalState::starting;
  if (text == "asleep") return VassalState::asleep;
  if (text == "backoff") return VassalState::backoff;
  if (text == "stopped") return VassalState::stopped;
  return std::nullopt;
}

/// Its host was found valid when it came; `buffer` keeps it.
std::string_view host_of(const Parcel& parcel, wire::HostBuffer& buffer) {
  const std::string_view bytes = parcel.payload;
  const auto header = wire::decode_header(bytes);
  if (!header) return {};
  const auto head =
      read_request_head(bytes.substr(wire::kPacketHeader, header->size), buffer);
  return head ? head->host : std::string_view();
}

/// Where a command listens, if the message is of one.
std::shared_ptr<Node> backend_of(const wire::Message& message) {
  const auto protocol = parse_protocol(message.get("protocol"));
  if (message.get("address").empty() || !protocol) return nullptr;
  auto node = std::make_shared<Node>();
  node->address = message.get("address");
  node->protocol = *protocol;
  if (const auto uid = message.number("uid")) node->uid = static_cast<uint32_t>(*uid);
  for (const auto param : message.all("param"))
    if (auto parsed = parse_param(param)) node->params.push_back(*std::move(parsed));
  return node;
}

/// No key may take more than a quarter of what all requests together may.
SubscriptionRules bounded(SubscriptionRules rules, const Capacity& capacity) {
  rules.most_running =
      std::min(rules.most_running, std::max<size_t>(1, capacity.descriptors / 8));
  return rules;
}

}  // namespace

Router::Router(uvx::Loop& loop,
               base::Log& log,
               const Options& options,
               const Capacity& capacity,
               base::Fd control)
    : loop_(loop),
      log_(log),
      options_(options),
      capacity_(capacity),
      vassals_(
          loop, *this, capacity_.belt, ParkingBudget(capacity_.parked, kMaxParkedBytes)),
      sessions_(loop),
      duties_(loop),
      ledger_(log,
              options.stats_hosts,
              [this](const Served& served) {
                return served.vassal ? routes_.domain_of(served.host)
                                     : std::string(finder_.name_of(served.host));
              }),
      links_(loop),
      nodes_(bounded(options.subscriptions, capacity)),
      finder_(nodes_, options.finder),
      subscription_policy_(options.subscription_proofs),
      registrar_(loop, log, duties_, nodes_, subscription_policy_, options.resubscribe),
      services_{loop,    log,       options, routes_,  vassals_, sessions_,
                ledger_, capacity_, finder_, scratch_, links_},
      uwsgi_door_(services_),
      http_door_(services_, clients_),
      gathering_(loop, [this](const wire::Message& message) { tell(message); }) {
  if (!options.access_log.empty()) {
    if (auto opened = AccessLog::open(options.access_log, options.access_log_format))
      ledger_.use(*std::move(opened));
    else
      log_.error("router: no access log reason=\"{}\"", opened.error().message());
  }
  if (!options.error_pages.empty())
    services_.error_pages = &error_pages_.emplace(loop, log, options.error_pages);
  if (control)
    control_.emplace(loop, log, std::move(control), static_cast<ControlTarget&>(*this));
}

void Router::listen(Door door, base::Fd socket, bool helper) {
  // Every emperor names all of them, the next one, too.
  for (const Listener& listener : listeners_)
    if (listener.is_of(socket.get())) return;
  addresses_.push_back(bound_address(socket.get()));
  if (door == Door::uwsgi) registrar_.upstream().serves_at(socket.get());
  const auto sharing = door != Door::uwsgi ? Listener::Sharing::in_turn
                       : helper            ? Listener::Sharing::helper
                                           : Listener::Sharing::first;
  listeners_.emplace_back(loop_, log_, std::move(socket), sharing, reception(door));
  if (accepting_ && !draining_) duties_.spawn(listeners_.back().run());
}

Reception& Router::reception(Door door) {
  if (door == Door::uwsgi) return uwsgi_door_;
  if (door == Door::http) return http_door_;
  if (!https_door_) https_door_.emplace(services_, clients_, &tls().context());
  return *https_door_;
}

Tls& Router::tls() {
  if (!tls_)
    tls_.emplace(loop_, log_, duties_,
                 options_.strict_sni ? UnknownName::refused : UnknownName::fallback);
  return *tls_;
}

void Router::take_certificates(wire::Certificates certificates) {
  tls().take(std::move(certificates));
}

void Router::hear_subscriptions(base::Fd socket) {
  for (const SubscriptionServer& server : subscription_servers_)
    if (server.is_of(socket.get())) return;
  finder_.use_subscriptions();
  addresses_.push_back(bound_address(socket.get()));
  auto& server = subscription_servers_.emplace_back(loop_, std::move(socket), registrar_);
  duties_.spawn(server.run());
}

void Router::start_accepting() {
  if (accepting_ || draining_) return;
  accepting_ = true;
  registrar_.be_informed();
  for (Listener& listener : listeners_)
    duties_.spawn(listener.run());
  log_.info("router: accepting listeners={} routes={}", listeners_.size(),
            routes_.size());
  tell({.verb = verbs::kUp, .fields = {}});
}

uvx::Task<void> Router::run() {
  duties_.spawn(vassals_.run());
  if (error_pages_) duties_.spawn(error_pages_->run());
  duties_.spawn(links_.run());
  if (control_) {
    wire::Message hello{.verb = verbs::kHello, .fields = {}};
    tell(hello.set("pid", static_cast<uint64_t>(::getpid())));
    duties_.spawn(control_->run());
  }
  co_await duties_.join();
}

void Router::drain() {
  for (Listener& listener : listeners_)
    listener.close();
  // What it would hear is for those who go on.
  for (SubscriptionServer& server : subscription_servers_)
    server.close();
  http_door_.finish_soon();
  if (https_door_) https_door_->finish_soon();
  if (!draining_) {
    draining_ = true;
    vassals_.for_each([](const Vassal& vassal) {
      if (vassal.share()) vassal.share()->lift_bandwidth();
    });
    log_.info("router: draining sessions={} parked={}", sessions_.size(),
              vassals_.parked());
    duties_.spawn(finish());
  } else {
    vassals_.dismiss_parked(refusals::kBusy);
  }
}

/// Else it would refuse hosts whose nodes have not told it yet that they are there.
uvx::Task<void> Router::accept_informed() {
  const auto in_all = base::Deadline::in(kSiblingPatienceInAll);
  const Siblings& siblings = registrar_.siblings();
  const auto is_stuck = [&] {
    return in_all.passed() || base::Clock::now() - siblings.told_at() > kSiblingPatience;
  };
  while (siblings.awaits_picture() && !is_stuck() && !draining_)
    static_cast<void>(co_await loop_.sleep_for(kSiblingLook));
  if (siblings.awaits_picture() && !draining_)
    log_.warn("router: a sibling did not tell which nodes there are: accepting without");
  start_accepting();
}

uvx::Task<void> Router::finish() {
  // Parked requests leave by being taken or by expiring; sessions, by their own timeouts.
  while (vassals_.parked() > 0 || sessions_.size() > 0) {
    static_cast<void>(co_await loop_.sleep_for(kDrainLook));
  }
  vassals_.close();
  links_.close();
  registrar_.siblings().close();
  if (error_pages_) error_pages_->close();
  for (PageServer& server : page_servers_)
    server.close();
  if (!control_) co_return;
  // Nobody can ask for them any more.
  send_figures({});
  co_await control_->flushed(base::Deadline::in(kLastWords));
  control_->close();
}

void Router::tell(const wire::Message& message) {
  if (control_) control_->send(message);
}

// ---- from the emperor
// -------------------------------------------------------------------------

void Router::on_message(const wire::Message& message, std::vector<base::Fd> fds) {
  const std::string_view verb = message.verb;
  if (verb == verbs::kListen) return on_listen(message, std::move(fds));
  if (verb == verbs::kCertificates) return on_certificates(std::move(fds));
  if (verb == verbs::kTicketKeys) return on_ticket_keys(message);
  if (verb == verbs::kSibling) return on_sibling(message, std::move(fds));
  if (verb == verbs::kVassal) return on_vassal(message, std::move(fds));
  if (verb == verbs::kState) return on_state(message);
  if (verb == verbs::kRemove) return on_remove(message);
  if (verb == verbs::kRoute) return on_route(message);
  if (verb == verbs::kUnroute) return routes_.erase(message.get("host"));
  if (verb == verbs::kSynced) return on_synced(message);
  if (verb == verbs::kSiblingGone)
    return registrar_.siblings().forget(message.number("serial").value_or(0));
  if (verb == verbs::kDrain) return drain();
  if (verb == verbs::kAskFigures) return send_figures(message);
  if (verb == verbs::kAsked || verb == verbs::kFigures) return gathering_.hear(message);
}

void Router::on_control_end() {
  log_.warn("router: the emperor's channel ended: no routes will come any more");
  drain();
}

void Router::on_listen(const wire::Message& message, std::vector<base::Fd> fds) {
  const std::string_view kind = message.get("kind");
  if (fds.size() == 1 && (kind == "stats" || kind == "metrics"))
    return show(kind == "stats" ? Page::stats : Page::metrics, std::move(fds.front()));
  if (fds.size() == 1 && kind == "subscriptions")
    return hear_subscriptions(std::move(fds.front()));
  const auto door = kind == "uwsgi"   ? std::optional(Door::uwsgi)
                    : kind == "http"  ? std::optional(Door::http)
                    : kind == "https" ? std::optional(Door::https)
                                      : std::nullopt;
  if (fds.size() != 1 || !door) {
    log_.error("control: bad listen kind={} descriptors={}", base::printable(kind),
               fds.size());
    return;
  }
  listen(*door, std::move(fds.front()), !message.get("helper").empty());
}

void Router::on_certificates(std::vector<base::Fd> fds) {
  if (fds.size() == 1) tls().take(std::move(fds.front()));
}

void Router::on_ticket_keys(const wire::Message& message) {
  const std::string_view bytes = message.get("keys");
  wire::TicketKeys keys{};
  if (bytes.size() != keys.size()) return;
  std::ranges::copy(bytes, keys.begin());
  tls().take(keys);
}

void Router::on_sibling(const wire::Message& message, std::vector<base::Fd> fds) {
  if (fds.size() != 1 || draining_) return;
  if (message.get("own").empty())
    registrar_.introduce(std::move(fds.front()));
  else
    registrar_.siblings().listen_at(std::move(fds.front()),
                                    message.number("serial").value_or(0));
}

void Router::on_synced(const wire::Message& message) {
  const auto serials = [&message](const char* name) {
    std::vector<uint64_t> all;
    for (const std::string_view text : message.all(name))
      if (const auto serial = base::parse_unsigned(text)) all.push_back(*serial);
    return all;
  };
  registrar_.siblings().expect(serials("teller"), serials("perhaps"));
  // The next emperor does not know.
  if (accepting_) tell({.verb = verbs::kUp, .fields = {}});
  const std::string_view rules = message.get("rules");
  if (rules_.empty())
    rules_ = rules;
  else if (rules_ != rules)
    tell({.verb = verbs::kOutdated, .fields = {}});
  if (!accepting_) duties_.spawn(accept_informed());
}

void Router::on_vassal(const wire::Message& message, std::vector<base::Fd> fds) {
  const auto id = message.number("id");
  if (!id) return;
  Vassal& vassal = vassals_.find_or_make(*id);
  const auto timeout = message.number("queue-timeout");
  vassal.set_limits({
      .queue_max = message.number("queue-max").value_or(options_.queue_max),
      .queue_timeout = timeout ? std::chrono::seconds(*timeout) : options_.queue_timeout,
      .limit_post = message.number("limit-post").value_or(options_.limit_post),
      .concurrency_max =
          message.number("concurrency-max").value_or(options_.concurrency_max),
      .bandwidth_max = message.number("bandwidth-max").value_or(options_.bandwidth_max),
  });
  vassal.set_backend(backend_of(message));
  if (fds.size() == 2) vassal.set_channel({std::move(fds[0]), std::move(fds[1])});
  vassals_.look_after(vassal);
}

void Router::on_state(const wire::Message& message) {
  const auto id = message.number("id");
  const auto state = parse_state(message.get("state"));
  Vassal* vassal = id ? vassals_.find(*id) : nullptr;
  if (vassal == nullptr || !state) return;
  vassal->set_state(*state,
                    static_cast<unsigned>(message.number("retry-after").value_or(0)));
  if (!message.get("dismiss").empty()) vassal->dismiss_all(refusals::kDoesNotStart);
  vassals_.look_after(*vassal);
}

void Router::on_remove(const wire::Message& message) {
  const auto id = message.number("id");
  if (!id) return;
  routes_.erase_vassal(*id);
  vassals_.remove(*id);
  ledger_.forget(*id);
}

void Router::on_route(const wire::Message& message) {
  const auto id = message.number("id");
  if (id && !message.get("host").empty()) routes_.set(message.get("host"), *id);
}

wire::RouterFigures Router::own_figures() const {
  auto figures =
      figures_of(ledger_, nodes_, finder_, sessions_.size() + vassals_.parked());
  vassals_.for_each([&figures](const Vassal& vassal) {
    if (vassal.queued() != 0) figures.parked.emplace(vassal.id(), vassal.queued());
  });
  return figures;
}

void Router::send_figures(const wire::Message& question) {
  const auto echo = [&](const wire::Message& part) {
    wire::Message answer = part;
    for (const char* name : {"serial", "asker"})
      if (const auto value = question.get(name); !value.empty())
        answer.set(name, std::string(value));
    tell(answer);
  };
  wire::tell(own_figures(), verbs::kFigures, echo);
}

void Router::show(Page page, base::Fd socket) {
  for (const PageServer& server : page_servers_)
    if (server.is_of(socket.get())) return;
  const PageServer::Kind kind =
      page == Page::stats
          ? PageServer::Kind{"fastrouter-stats", "application/json", true}
          : PageServer::Kind{"metrics", "text/plain; version=0.0.4", false};
  auto& server =
      page_servers_.emplace_back(loop_, duties_, log_, std::move(socket), kind,
                                 [this, page] { return make_page(this, page); });
  duties_.spawn(server.run());
}

uvx::Task<std::string> Router::make_page(Router* self, Page page) {
  wire::RouterFigures figures = self->own_figures();
  if (self->control_) figures = co_await self->gathering_.ask(std::move(figures));
  if (page == Page::metrics) co_return metrics_page(figures);
  const StatsView view{.addresses = self->addresses_,
                       .subscriptions = self->nodes_,
                       .finder = self->finder_,
                       .hears_subscriptions = !self->subscription_servers_.empty(),
                       .cheap = self->options_.cheap && !self->services_.has_room(),
                       .figures = figures,
                       .now = base::Clock::now()};
  co_return stats_json(view);
}

// ---- from the vassals
// -------------------------------------------------------------------------

void Router::moved_on(VassalId id, const Parcel& parcel) {
  wire::HostBuffer buffer;
  ledger_.note_waited(host_of(parcel, buffer), id,
                      base::Clock::now() - parcel.header.arrived);
}

void Router::dismiss(VassalId id, Parcel parcel, const Refusal& refusal) {
  wire::HostBuffer buffer;
  const std::string_view host = host_of(parcel, buffer);
  const bool http = parcel.header.kind != wire::HandoffKind::nginx;
  ledger_.note_dismissed({.door = http ? "http" : "uwsgi",
                          .host = host,
                          .vassal = id,
                          .outcome = Outcome::refused,
                          .status = refusal.status,
                          .refusal = &refusal,
                          .packet = parcel.payload,
                          .arrived = parcel.header.arrived});
  if (http)
    sessions_.spawn(
        say_farewell(loop_, std::move(parcel.connection), services_.page(refusal, host)));
  else
    services_.turn_away(std::move(parcel.connection), refusal, host);
}

void Router::wanted(VassalId id) {
  wire::Message message{.verb = verbs::kWanted, .fields = {}};
  tell(message.set("id", id));
}

void Router::spoiled(VassalId id) {
  log_.warn("vassal {}: its handoff channel is spoiled", id);
  wire::Message message{.verb = verbs::kSpoiled, .fields = {}};
  tell(message.set("id", id));
}

}  // namespace router
