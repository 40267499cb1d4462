#include "emperor/router_link.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/wire/router_control.h"
#include "emperor/listen.h"
#include "emperor/spawn_router.h"

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
  for (const auto& address : s_.options.router_uwsgi)
    TRY(add_listener("uwsgi", address, held));
  for (const auto& address : s_.options.router_http)
    TRY(add_listener("http", address, held));
  return {};
}

base::Result<> RouterLink::add_listener(const std::string& kind,
                                        const std::string& address,
                                        Held* held) {
  const std::string name = "listener/router/" + kind + "/" + address;
  Listener listener{kind, {}, is_unix_path(address) ? address : ""};
  if (const auto kept = held->find(name); kept != held->end()) {
    listener.socket = std::move(kept->second);
    held->erase(kept);
  } else {
    TRY_ASSIGN(listener.socket, listen_on(address));
    if (!listener.path.empty() && kind == "uwsgi")
      TRY(give_socket(listener.path, s_.options.router_uwsgi_mode,
                      s_.options.router_uwsgi_group));
    s_.keeper.hold(name, listener.socket.get());
  }
  s_.log.info("router: listens kind={} address={}", kind, address);
  listeners_.push_back(std::move(listener));
  return {};
}

// ---- processes
// --------------------------------------------------------------------------------

void RouterLink::start(Held* held) {
  if (!wanted()) return;
  for (size_t i = 0; i < s_.options.router_processes; ++i) {
    auto& process = *processes_.emplace_back(std::make_unique<Process>());
    process.index = i;
    const std::string prefix = "router/" + std::to_string(i) + "/";
    for (auto kept = held->lower_bound(prefix);
         kept != held->end() && kept->first.starts_with(prefix);
         kept = held->erase(kept)) {
      process.pid = static_cast<pid_t>(
          std::strtol(kept->first.c_str() + prefix.size(), nullptr, 10));
      auto pidfd = base::Pidfd::open(process.pid);
      if (!pidfd || pidfd->ended()) {
        process.pid = -1;
        s_.keeper.release(kept->first);
        continue;
      }
      process.pidfd = *std::move(pidfd);
      attach(process, std::move(kept->second));
    }
    if (process.pid >= 0) continue;
    if (auto spawned = spawn(process); !spawned) {
      s_.log.error("router {}: cannot start: {}", i, spawned.error().message());
      child_failed(process);
    }
  }
}

base::Result<> RouterLink::spawn(Process& process) {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  RouterSpawn spawn{.program = s_.options.fastrouter_program,
                    .user = s_.options.router_uid,
                    .group = s_.options.router_gid,
                    .arguments = s_.options.router_options,
                    .control = pair.second.get()};
  spawn.arguments.push_back("--log-level=" + s_.options.log_level);
  TRY_ASSIGN(process.pidfd, spawn_router(spawn));
  process.pid = process.pidfd.pid();
  process.began = base::Clock::now();
  s_.keeper.hold(
      "router/" + std::to_string(process.index) + "/" + std::to_string(process.pid),
      pair.first.get());
  s_.log.info("router {}: spawned pid={}", process.index, process.pid);
  attach(process, std::move(pair.first));
  return {};
}

void RouterLink::attach(Process& process, base::Fd control) {
  auto channel = std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(control));
  process.connection = std::make_shared<Connection>(s_.loop, std::move(channel));
  queue_picture(*process.connection);
  s_.tasks.spawn(send_pending(this, process.connection));
  s_.tasks.spawn(listen_to(this, process.connection));
}

bool RouterLink::on_exit(pid_t pid, base::ExitStatus status) {
  const auto found =
      std::ranges::find_if(processes_, [&](const auto& p) { return p->pid == pid; });
  if (found == processes_.end()) return false;
  Process& process = **found;
  const bool planned = stopping_ && status.success();
  if (planned)
    s_.log.info("router {}: ended pid={}", process.index, pid);
  else
    s_.log.warn("router {}: ended pid={} reason=\"{}\"", process.index, pid,
                status.describe());
  s_.keeper.release("router/" + std::to_string(process.index) + "/" +
                    std::to_string(pid));
  if (process.connection) process.connection->close();
  process.connection.reset();
  process.pid = -1;
  process.pidfd = {};
  if (base::Clock::now() - process.began > 5s) process.wait = 10ms;
  child_failed(process);
  return true;
}

void RouterLink::child_failed(Process& process) {
  if (stopping_) return;
  s_.tasks.spawn(start_again(this, &process));
}

uvx::Task<void> RouterLink::start_again(RouterLink* self, Process* process) {
  // The first death costs nothing; one that dies at once, again and again, waits up to 5
  // s.
  const auto wait = process->wait;
  process->wait = std::min<base::Duration>(wait * 3, 5s);
  if (wait > 10ms) (void)co_await self->s_.loop.sleep_for(wait);
  if (self->stopping_ || process->pid >= 0) co_return;
  if (auto spawned = self->spawn(*process); !spawned) {
    self->s_.log.error("router {}: cannot start: {}", process->index,
                       spawned.error().message());
    self->child_failed(*process);
  }
}

// ---- the picture
// ------------------------------------------------------------------------------

void RouterLink::queue_picture(Connection& connection) {
  auto& pending = connection.pending;
  pending.clear();
  pending.push_back({Item::Kind::listen});
  for (const auto& [name, vassal] : s_.roster.all()) {
    if (!vassal->channel_send) continue;
    pending.push_back({Item::Kind::vassal, vassal->id});
    pending.push_back({Item::Kind::state, vassal->id});
  }
  for (const auto& change : s_.claims.held())
    pending.push_back({Item::Kind::route, 0, change.host});
  pending.push_back({Item::Kind::synced});
  connection.wake.set();
}

void RouterLink::queue(const Item& item) {
  for (const auto& process : processes_) {
    if (!process->connection) continue;
    process->connection->pending.push_back(item);
    process->connection->wake.set();
  }
}

void RouterLink::vassal_changed(uint64_t id) {
  queue({Item::Kind::vassal, id});
}
void RouterLink::state_changed(uint64_t id) {
  queue({Item::Kind::state, id});
}
void RouterLink::removed(uint64_t id) {
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
    case Item::Kind::listen: {
      for (const auto& listener : listeners_) {
        const int fd = listener.socket.get();
        channel.send(wire::Message{verbs::kListen, {}}.set("kind", listener.kind),
                     {&fd, 1});
      }
      return true;
    }
    case Item::Kind::vassal: {
      const Vassal* vassal = s_.roster.find_id(item.id);
      return vassal == nullptr || !vassal->channel_send || send_vassal(channel, *vassal);
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
    case Item::Kind::synced:
      return channel.try_send({verbs::kSynced, {}});
  }
  return true;
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
  }
  const int fds[] = {vassal.channel_send.get(), vassal.channel_receive.get()};
  return channel.try_send(message, fds);
}

uvx::Task<void> RouterLink::listen_to(RouterLink* self,
                                      std::shared_ptr<Connection> connection) {
  for (;;) {
    auto incoming = co_await connection->channel->receive();
    if (!incoming) break;
    const auto& message = incoming->message;
    if (message.verb == verbs::kUp) self->s_.log.debug("router: up");
    if (message.verb == verbs::kSpoiled && self->on_spoiled)
      if (const auto id = message.number("id")) self->on_spoiled(*id);
  }
  connection->close();
  // Without a keeper nobody tells that a router ended; the end of its channel does.
  if (!self->s_.keeper.lost()) co_return;
  for (const auto& process : self->processes_) {
    if (process->connection != connection) continue;
    (void)process->pidfd.signal(SIGKILL);
    self->on_exit(process->pid, {base::ExitStatus::Kind::signalled, SIGKILL});
    co_return;
  }
}

// ---- the end
// ----------------------------------------------------------------------------------

size_t RouterLink::running() const {
  return static_cast<size_t>(
      std::ranges::count_if(processes_, [](const auto& p) { return p->pid >= 0; }));
}

uvx::Task<void> RouterLink::stop(base::Deadline deadline) {
  stopping_ = true;
  for (const auto& process : processes_)
    if (process->connection) process->connection->channel->send({verbs::kDrain, {}});
  while (running() > 0 && !deadline.passed())
    (void)co_await s_.loop.sleep_for(5ms);
  for (const auto& process : processes_)
    if (process->pid >= 0) (void)process->pidfd.signal(SIGKILL);
  while (running() > 0 && !s_.keeper.lost())
    (void)co_await s_.loop.sleep_for(5ms);
  for (const auto& process : processes_)
    if (process->connection) process->connection->close();
  for (const auto& listener : listeners_)
    if (!listener.path.empty()) ::unlink(listener.path.c_str());
}

}  // namespace emperor
