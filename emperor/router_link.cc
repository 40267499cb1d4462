#include "emperor/router_link.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/wire/router_control.h"
#include "emperor/listen.h"
#include "vassal/sockets.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::router_control;

std::string_view router_state(State state) {
  switch (state) {
    case State::ready:
    case State::reloading:
      return "ready";
    case State::starting:
      return "starting";
    case State::asleep:
      return "asleep";
    case State::backoff:
      return "backoff";
    case State::draining:
    case State::rejected:
    case State::stopped:
      return "stopped";
  }
  return "stopped";
}

// ---- listeners
// --------------------------------------------------------------------------------

base::Result<> RouterLink::bind(Held* held) {
  const Options& options = s_.options;
  const std::pair<const char*, const std::vector<std::string>*> kinds[] = {
      {"uwsgi", &options.router_uwsgi},
      {"http", &options.router_http},
      {"https", &options.router_https},
      {"subscriptions", &options.router_subscriptions}};
  for (const auto& [kind, addresses] : kinds)
    for (const auto& address : *addresses)
      TRY(add_listener(kind, address, held));
  if (!options.router_stats.empty() && wanted())
    TRY(add_listener("stats", options.router_stats, held));
  if (!options.router_https.empty())
    certificates_.start(options.certificates, s_.tasks,
                        [this] { queue({Item::Kind::certificates}); });
  warn_of_unproven();
  return {};
}

void RouterLink::warn_of_unproven() const {
  const auto proves = [](const std::string& option) {
    return option.starts_with("--subscriptions-ssh-keys=") ||
           option.starts_with("--subscriptions-sign-check=") ||
           option.starts_with("--subscriptions-credentials-check=");
  };
  if (!s_.options.router_subscriptions.empty() &&
      std::ranges::none_of(s_.options.router_options, proves))
    s_.log.warn(
        "router: whoever can send to router-subscriptions may subscribe any host that no "
        "vassal has: give subscriptions-ssh-keys, "
        "subscriptions-sign-check or subscriptions-credentials-check");
}

base::Result<> RouterLink::add_listener(const std::string& kind,
                                        const std::string& address,
                                        Held* held) {
  const std::string name = "listener/router/" + kind + "/" + address;
  Listener listener{kind, name, {}, is_unix_path(address) ? address : ""};
  auto kept = held->extract(name);
  // One that nobody can reach any more is bound anew.
  if (!kept.empty() && (listener.path.empty() || is_own_socket(listener.path))) {
    listener.socket = std::move(kept.mapped());
  } else {
    kept = {};
    TRY_ASSIGN(listener.socket,
               kind == "subscriptions" ? hear_on(address) : listen_on(address));
    if (!listener.path.empty() && kind == "uwsgi")
      TRY(give_socket(listener.path, s_.options.router_uwsgi_mode,
                      s_.options.router_uwsgi_group));
    s_.keeper.hold(name, listener.socket.get());
  }
  s_.log.info("router: listens kind={} address={}", kind, address);
  listeners_.push_back(std::move(listener));
  return {};
}

// ---- the picture
// ------------------------------------------------------------------------------

void RouterLink::queue_picture(const Process& process) {
  Connection& connection = *process.connection;
  auto& pending = connection.pending;
  pending.clear();
  pending.push_back({Item::Kind::certificates});
  pending.push_back({Item::Kind::listen, process.index});
  // First its own, or it would tell the others something under the serial that it had.
  pending.push_back({Item::Kind::inbox, connection.serial});
  for (const auto& [serial, inbox] : inboxes_)
    if (serial != connection.serial) pending.push_back({Item::Kind::sibling, serial});
  for (const auto& [name, vassal] : s_.roster.all()) {
    if (!vassal->configuration && !vassal->channel_send) continue;
    pending.push_back({Item::Kind::vassal, vassal->id});
    pending.push_back({Item::Kind::state, vassal->id});
  }
  for (const auto& change : s_.claims.held())
    pending.push_back({Item::Kind::route, 0, change.host});
  pending.push_back({Item::Kind::synced, connection.serial});
  connection.wake.set();
}

void RouterLink::queue(const Item& item) {
  for (const Process* process : everybody()) {
    if (!process->connection) continue;
    process->connection->pending.push_back(item);
    process->connection->wake.set();
  }
}

// ---- what routers tell each other
// ------------------------------------------------------

/// What one of them hears of subscriptions, the others have to hear, too: also when there
/// is to be one only, since the next one begins before it ends.
void RouterLink::make_inbox(Connection& connection) {
  connection.serial = ++last_serial_;
  if (s_.options.router_subscriptions.empty()) return;
  auto pair = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
  if (!pair)
    return s_.log.error("router: no channel to its siblings: {}", pair.error().message());
  queue({Item::Kind::sibling, connection.serial});
  inboxes_.emplace(connection.serial, *std::move(pair));
}

bool RouterLink::send_inbox(MessageChannel& channel, const Item& item) {
  const auto inbox = inboxes_.find(item.id);
  if (inbox == inboxes_.end()) return true;
  wire::Message message{verbs::kSibling, {}};
  const bool own = item.kind == Item::Kind::inbox;
  if (own) message.set("own", "1");
  message.set("serial", item.id);
  const int fd = (own ? inbox->second.first : inbox->second.second).get();
  return channel.try_send(message, {&fd, 1});
}

/// One that does not accept yet does not know everything itself, and one that drains
/// hears of no newcomer.
bool RouterLink::tells(const Process& process, uint64_t serial) const {
  const auto& connection = process.connection;
  return process.may_be_up() && connection && !connection->channel->closed() &&
         connection->serial != serial && inboxes_.contains(connection->serial) &&
         inboxes_.contains(serial);
}

bool RouterLink::send_synced(MessageChannel& channel, uint64_t serial) {
  wire::Message message{verbs::kSynced, {}};
  for (const auto& place : processes_)
    for (const Process* p = place.get(); p != nullptr; p = p->before.get())
      if (tells(*p, serial))
        message.set(p->up ? "teller" : "perhaps", p->connection->serial);
  return channel.try_send(message.set("rules", rules()));
}

std::string RouterLink::rules() const {
  const Options& options = s_.options;
  std::string text = options.router_uid + '\n' + options.router_gid + '\n' +
                     options.log_level + '\n' + options.fastrouter_program;
  for (const std::string& option : options.router_options)
    text += '\n' + option;
  for (const Listener& listener : listeners_)
    text += '\n' + listener.held_as;
  return std::to_string(std::hash<std::string>{}(text));
}

void RouterLink::vassal_changed(uint64_t id) {
  queue({Item::Kind::vassal, id});
}
void RouterLink::state_changed(uint64_t id) {
  queue({Item::Kind::state, id});
}
void RouterLink::removed(uint64_t id) {
  gone_.vassals.erase(id);
  queue({Item::Kind::remove, id});
}
void RouterLink::route_changed(const std::string& host) {
  queue({Item::Kind::route, 0, host});
}

uvx::Task<void> RouterLink::send_pending(RouterLink* self,
                                         std::shared_ptr<Connection> connection) {
  auto& pending = connection->pending;
  for (unsigned sent = 0; !connection->channel->closed();) {
    if (pending.empty()) {
      co_await connection->wake.wait();
    } else if (self->send_item(*connection->channel, pending.front())) {
      pending.pop_front();
      if (++sent % 64 == 0) co_await self->s_.loop.yield();
    } else if (!co_await connection->channel->writable()) {
      co_return;
    }
  }
}

bool RouterLink::send_item(MessageChannel& channel, const Item& item) {
  switch (item.kind) {
    case Item::Kind::certificates: {
      const int picture = certificates_.picture();
      return picture < 0 || channel.try_send({verbs::kCertificates, {}}, {&picture, 1});
    }
    case Item::Kind::listen: {
      for (const auto& listener : listeners_) {
        const int fd = listener.socket.get();
        channel.send(wire::Message{verbs::kListen, {}}
                         .set("kind", listener.kind)
                         .set("helper", item.id == 0 ? "" : "1"),
                     {&fd, 1});
      }
      return true;
    }
    case Item::Kind::inbox:
    case Item::Kind::sibling:
      return send_inbox(channel, item);
    case Item::Kind::vassal: {
      const Vassal* vassal = s_.roster.find_id(item.id);
      return vassal == nullptr || send_vassal(channel, *vassal);
    }
    case Item::Kind::state: {
      const Vassal* vassal = s_.roster.find_id(item.id);
      if (vassal == nullptr) return true;
      const State state = vassal->life.state();
      wire::Message message{verbs::kState, {}};
      message.set("id", item.id).set("state", std::string(router_state(state)));
      if (state == State::backoff) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(vassal->life.due_at() -
                                                                  base::Clock::now());
        message.set("retry-after",
                    static_cast<uint64_t>(std::max<int64_t>(1, left.count())));
        if (vassal->life.did_not_start()) message.set("dismiss", "1");
      }
      return channel.try_send(message);
    }
    case Item::Kind::remove:
      return channel.try_send(wire::Message{verbs::kRemove, {}}.set("id", item.id));
    case Item::Kind::route: {
      const std::string holder(s_.claims.holder(item.host));
      const Vassal* vassal = holder.empty() ? nullptr : s_.roster.find(holder);
      if (vassal == nullptr)
        return channel.try_send(
            wire::Message{verbs::kUnroute, {}}.set("host", item.host));
      return channel.try_send(
          wire::Message{verbs::kRoute, {}}.set("host", item.host).set("id", vassal->id));
    }
    case Item::Kind::sibling_gone:
      return channel.try_send(
          wire::Message{verbs::kSiblingGone, {}}.set("serial", item.id));
    case Item::Kind::synced:
      return send_synced(channel, item.id);
  }
  return true;
}

/// A command has no use for the channel: it is connected to.
void RouterLink::add_relay(const Vassal& vassal, wire::Message* message) {
  const Configuration* serving = serving_configuration(vassal);
  if (serving == nullptr) return;
  const auto target = vassal::relay_target(serving->config);
  if (!target) return;
  message->set("address", target->address)
      .set("protocol", std::string(vassal::name_of(target->protocol)))
      .set("uid", uint64_t{serving->config.uid.value_or(::geteuid())});
  for (const std::string& param : serving->config.node_params)
    message->set("param", param);
}

bool RouterLink::send_vassal(MessageChannel& channel, const Vassal& vassal) {
  wire::Message message{verbs::kVassal, {}};
  message.set("id", vassal.id).set("name", vassal.name);
  if (vassal.configuration) {
    const auto& config = vassal.configuration->config;
    if (config.queue_max) message.set("queue-max", *config.queue_max);
    if (config.queue_timeout)
      message.set("queue-timeout", static_cast<uint64_t>(config.queue_timeout->count()));
    if (config.limit_post > 0) message.set("limit-post", config.limit_post);
    if (config.concurrency_max) message.set("concurrency-max", *config.concurrency_max);
    if (config.bandwidth_max) message.set("bandwidth-max", *config.bandwidth_max);
  }
  add_relay(vassal, &message);
  if (!vassal.channel_send || !message.get("address").empty())
    return channel.try_send(message);
  const int fds[] = {vassal.channel_send.get(), vassal.channel_receive.get()};
  return channel.try_send(message, fds);
}

uvx::Task<void> RouterLink::listen_to(RouterLink* self,
                                      std::shared_ptr<Connection> connection) {
  co_await self->s_.loop.yield();  // the process takes its place before it is heard
  for (;;) {
    auto incoming = co_await connection->channel->receive();
    if (!incoming) break;
    self->hear(*connection, incoming->message);
  }
  connection->close();
  self->queue({Item::Kind::sibling_gone, connection->serial});
  if (std::erase(self->ending_, connection) > 0) self->keep_figures(*connection);
}

void RouterLink::hear(Connection& connection, const wire::Message& message) {
  if (message.verb == verbs::kUp) on_up(connection);
  if (message.verb == verbs::kOutdated) on_outdated(connection);
  if (message.verb == verbs::kAskFigures) ask_others(connection, message);
  if (message.verb == verbs::kFigures) on_figures(connection, message);
  const auto id = message.number("id");
  if (id && message.verb == verbs::kSpoiled && on_spoiled) on_spoiled(*id);
  if (id && message.verb == verbs::kWanted && on_wanted) on_wanted(*id);
}

}  // namespace emperor
