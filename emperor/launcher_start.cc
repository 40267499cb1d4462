// One start of a generation: sockets, log, group, memfds, clone, and the word of its
// exec.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/fd_passing.h"
#include "emperor/hooks.h"
#include "emperor/launcher.h"
#include "vassal/spawn.h"

namespace emperor {

using namespace std::chrono_literals;

namespace {
constexpr auto kStopHookTime = 30s;
}  // namespace

// ---- one start
// --------------------------------------------------------------------------------

uvx::Task<void> Launcher::launch(Launcher* self, std::string name, Gen generation) {
  co_await self->s_.loop.yield();  // reports never come from within the order
  auto up = co_await self->bring_up(name, generation);
  generation->launching = false;
  Vassal* vassal = self->s_.roster.find(name);
  if (vassal == nullptr) co_return self->free_slot(*generation);
  if (generation->over && !generation->pidfd) {
    self->free_slot(*generation);
    self->sweep(*vassal, generation);
    co_return;
  }
  if (up) co_return;
  generation->failure = up.error().message();
  generation->death = DeathKind::not_spawned;
  self->free_slot(*generation);
  self->s_.reports.on_failed(*vassal, *generation);
}

/// The vassal that has this name and number, while the generation is to come up.
Vassal* Launcher::find(const std::string& vassal,
                       uint64_t id,
                       const Generation& generation) {
  Vassal* found = s_.roster.find(vassal);
  return found != nullptr && found->id == id && !generation.over ? found : nullptr;
}

uvx::Task<base::Result<>> Launcher::bring_up(std::string name, Gen generation) {
  Vassal* vassal = s_.roster.find(name);
  if (vassal == nullptr || generation->over) co_return base::Result<>{};
  const uint64_t id = vassal->id;
  if (auto bound = co_await bind_sockets(name, generation->configuration); !bound)
    co_return bound;
  if (find(name, id, *generation) == nullptr) co_return base::Result<>{};
  const auto& config = generation->configuration->config;
  auto identity = identity_of(config);
  if (!identity) co_return std::unexpected(identity.error());
  auto file = co_await s_.logger.open_for(config.logto, *identity);
  if (!file) co_return std::unexpected(file.error());
  if (find(name, id, *generation) == nullptr) co_return base::Result<>{};
  if (auto ran = co_await run_hooks(name, generation, vassal::HookPhase::as_root); !ran)
    co_return ran;
  vassal = find(name, id, *generation);
  if (vassal == nullptr) co_return base::Result<>{};
  auto log = s_.logger.output_for(name, id, config, *identity, *std::move(file));
  if (!log) co_return std::unexpected(log.error());
  base::Fd report;
  if (auto cloned = clone(*vassal, generation, *log, &report); !cloned) co_return cloned;
  s_.tasks.spawn(run_hooks_behind(this, name, generation));

  uvx::Poll poll(s_.loop, report.get());
  for (;;) {
    const auto outcome = vassal::read_report(report.get());
    if (const auto* failed = std::get_if<vassal::SpawnFailed>(&outcome))
      co_return base::fail("spawn: " + failed->message());
    if (std::holds_alternative<vassal::SpawnExecuted>(outcome))
      co_return base::Result<>{};
    if (auto ready = co_await poll.readable(base::Deadline::in(10s)); !ready)
      co_return ready;
  }
}

uvx::Task<base::Result<>> Launcher::run_hooks(std::string name,
                                              Gen generation,
                                              vassal::HookPhase phase) {
  const auto configuration = generation->configuration;
  const auto& config = configuration->config;
  for (const auto& hook : config.hooks) {
    if (hook.phase != phase) continue;
    const auto id = [](auto number) {
      return number ? std::to_string(*number) : std::string();
    };
    HookCommand command{hook.written, hook.argument, {}};
    command.environment = {
        {"UWSGI_VASSAL", name},
        {"UWSGI_VASSAL_CONFIG", name},
        {"UWSGI_VASSAL_UID", id(config.uid)},
        {"UWSGI_VASSAL_GID", id(config.gid)},
        {"UWSGI_VASSAL_PID",
         generation->pidfd ? std::to_string(generation->pidfd.pid()) : ""}};
    if (auto ran = co_await run_hook(s_.loop, std::move(command), config.hook_timeout);
        !ran)
      co_return ran;
  }
  co_return base::Result<>{};
}

uvx::Task<void> Launcher::run_hooks_behind(Launcher* self,
                                           std::string name,
                                           Gen generation) {
  const auto ran =
      co_await self->run_hooks(name, generation, vassal::HookPhase::as_emperor);
  if (!ran) self->s_.log.warn("vassal {}: {}", name, ran.error().message());
}

uvx::Task<void> Launcher::run_stop_hooks(Launcher* self, std::string name) {
  for (const auto& hook : self->s_.options.stop_hooks) {
    HookCommand command{"vassals-stop-hook = " + hook,
                        hook + " \"$UWSGI_VASSAL\"",
                        {{"UWSGI_VASSAL", name}}};
    const auto ran = co_await run_hook(self->s_.loop, std::move(command), kStopHookTime);
    if (!ran) self->s_.log.warn("vassal {}: {}", name, ran.error().message());
  }
}

base::Result<> Launcher::make_group(Vassal& vassal, const Configuration& configuration) {
  auto created = s_.tree.create(vassal.name, configuration.config.limits);
  if (!created) return base::wrap(created.error(), "cgroup");
  if (!vassal.has_group)
    for (const auto& warning : created->warnings)
      s_.log.warn("vassal {}: {}", vassal.name, warning);
  vassal.group = std::move(created->group);
  vassal.has_group = true;
  return {};
}

base::Result<> Launcher::clone(Vassal& vassal,
                               const Gen& generation,
                               int log,
                               base::Fd* report) {
  const Configuration& configuration = *generation->configuration;
  TRY(make_group(vassal, configuration));
  TRY_ASSIGN(auto lifeline, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  base::refuse_descriptors(lifeline.first.get());  // from there come words only
  TRY_ASSIGN(const auto board, make_scoreboard(configuration.config.processes));
  TRY_ASSIGN(const auto settings, base::make_memfd("settings"));
  TRY(base::write_all(settings.get(), configuration.encoded));
  TRY(base::seal(settings.get()));
  generation->scoreboard = ScoreboardView::map(board.get());

  vassal::VassalFds fds{.config = settings.get(),
                        .lifeline = lifeline.second.get(),
                        .handoff = vassal.channel_receive.get(),
                        .scoreboard = board.get(),
                        .output = log,
                        .sockets = {}};
  TRY_ASSIGN(const auto plan, plan_for(vassal, configuration.config, std::move(fds)));
  TRY_ASSIGN(generation->leaf, vassal.group.make_leaf(generation->number));
  auto spawned = vassal::spawn(plan, s_.tree.active() ? &generation->leaf : nullptr);
  if (!spawned) return base::wrap(spawned.error(), "spawn");
  generation->pidfd = std::move(spawned->process);
  *report = std::move(spawned->report);
  s_.log.info("vassal {}: spawned generation={} pid={} uid={} cgroup={}", vassal.name,
              generation->number, generation->pidfd.pid(),
              plan.identity ? plan.identity->uid : ::geteuid(), generation->leaf.text());
  register_process(vassal, generation, std::move(lifeline.first), board.get());
  return {};
}

base::Result<vassal::SpawnPlan> Launcher::plan_for(const Vassal& vassal,
                                                   const vassal::VassalConfig& config,
                                                   vassal::VassalFds fds) const {
  auto facts = vassal::spawn_facts_for(config, s_.options.vassal_program, vassal.name);
  facts.root_allowed = s_.options.allow_root_vassals;
  for (const auto& address : config.sockets) {
    const auto bound = vassal.sockets.find(address.text);
    if (bound != vassal.sockets.end())
      fds.sockets.emplace_back(bound->second.fd.get(), address.text);
  }
  TRY_ASSIGN(auto plan, vassal::make_spawn_plan(config, facts, fds));
  if (!s_.options.python.empty()) plan.argv.push_back("--python=" + s_.options.python);
  return plan;
}

/// From here on its end is noticed, by this emperor or by the next one.
void Launcher::register_process(Vassal& vassal,
                                const Gen& generation,
                                base::Fd lifeline,
                                int board) {
  s_.roster.processes[generation->pidfd.pid()] = {vassal.name, generation->number};
  const std::string number = std::to_string(generation->number);
  s_.keeper.hold(held_name("lifeline", vassal.name, number), lifeline.get());
  s_.keeper.hold(held_name("scoreboard", vassal.name, number), board);
  s_.keeper.hold(held_name("pidfd", vassal.name, number), generation->pidfd.fd());
  generation->lifeline =
      std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(lifeline));
  s_.tasks.spawn(listen_to(this, vassal.name, generation, generation->lifeline));
  if (!s_.keeper.reaps(generation->pidfd.pid())) watch(vassal, generation);
  s_.set_alarm(base::Clock::now() + generation->configuration->config.start_timeout,
               {Alarm::Kind::start_timeout, vassal.name, generation->number});
  s_.reports.on_changed(vassal);
}

// ---- sockets
// ----------------------------------------------------------------------------------

base::Result<std::optional<vassal::Identity>> Launcher::identity_of(
    const vassal::VassalConfig& config) const {
  auto facts = vassal::spawn_facts_for(config, s_.options.vassal_program, {});
  facts.root_allowed = s_.options.allow_root_vassals;
  TRY_ASSIGN(auto plan, vassal::make_spawn_plan(config, facts, {}));
  return std::move(plan.identity);
}

uvx::Task<base::Result<>> Launcher::bind_sockets(
    std::string name, std::shared_ptr<const Configuration> configuration) {
  const auto& config = configuration->config;
  if (config.sockets.empty()) co_return base::Result<>{};
  const auto identity = identity_of(config);
  if (!identity) co_return std::unexpected(identity.error());
  const Vassal* first = s_.roster.find(name);
  const uint64_t id = first == nullptr ? 0 : first->id;
  // Another one of that name, or a newer file, may not want them any more.
  const auto wants = [&](const Vassal* vassal, const vassal::SocketAddress& address) {
    return vassal != nullptr && vassal->id == id && !vassal->life.removed() &&
           vassal->configuration &&
           std::ranges::find(vassal->configuration->config.sockets, address.text,
                             &vassal::SocketAddress::text) !=
               vassal->configuration->config.sockets.end();
  };
  for (const auto& address : config.sockets) {
    // A sleeper may be woken while its sockets are being opened.
    while (binding_.contains(name))
      (void)co_await s_.loop.sleep_for(1ms);
    Vassal* vassal = s_.roster.find(name);
    if (!wants(vassal, address) || vassal->sockets.contains(address.text)) continue;
    binding_.insert(name);
    auto bound = co_await bind_socket(s_.loop, config, address, *identity);
    binding_.erase(name);
    if (!bound) co_return std::unexpected(bound.error());
    vassal = s_.roster.find(name);
    if (!wants(vassal, address)) {
      s_.tasks.spawn(unlink_socket(s_.loop, *std::move(bound)));
      continue;
    }
    s_.keeper.hold(held_name("socket", name, address.text), bound->fd.get());
    vassal->sockets[address.text] = *std::move(bound);
    s_.reports.on_changed(*vassal);
  }
  co_return base::Result<>{};
}

void Launcher::open_sockets(const Vassal& vassal) {
  if (!vassal.configuration) return;
  const auto is_open = [&](const vassal::SocketAddress& address) {
    return vassal.sockets.contains(address.text);
  };
  if (std::ranges::all_of(vassal.configuration->config.sockets, is_open)) return;
  to_bind_.push(vassal.configuration->config.uid.value_or(::geteuid()), vassal.name);
  bind_for_sleepers();
}

void Launcher::bind_for_sleepers() {
  while (auto turn = to_bind_.next())
    s_.tasks.spawn(bind_for_sleeper(this, *std::move(turn)));
}

uvx::Task<void> Launcher::bind_for_sleeper(Launcher* self, Bind turn) {
  co_await self->s_.loop.yield();
  const std::string& name = turn.work;
  base::Result<> bound;
  const Vassal* vassal = self->s_.roster.find(name);
  const bool there = vassal != nullptr && vassal->configuration;
  if (there) bound = co_await self->bind_sockets(name, vassal->configuration);
  self->to_bind_.done(turn);
  if (Vassal* still = there ? self->s_.roster.find(name) : nullptr)
    self->s_.reports.on_sockets(*still, bound ? "" : bound.error().message());
  self->bind_for_sleepers();
}

void Launcher::trim_sockets(Vassal& vassal) {
  if (!vassal.configuration) return;
  const auto& wanted = vassal.configuration->config.sockets;
  for (auto it = vassal.sockets.begin(); it != vassal.sockets.end();) {
    if (std::ranges::find(wanted, it->first, &vassal::SocketAddress::text) !=
        wanted.end()) {
      ++it;
      continue;
    }
    s_.keeper.release(held_name("socket", vassal.name, it->first));
    s_.tasks.spawn(unlink_socket(s_.loop, std::move(it->second)));
    it = vassal.sockets.erase(it);
  }
}

base::Result<> Launcher::make_channel(Vassal& vassal) {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  vassal.channel_send = std::move(pair.first);
  vassal.channel_receive = std::move(pair.second);
  s_.keeper.hold(held_name("channel", vassal.name, "send"), vassal.channel_send.get());
  s_.keeper.hold(held_name("channel", vassal.name, "receive"),
                 vassal.channel_receive.get());
  return {};
}

void Launcher::give_back(Vassal& vassal) {
  if (!s_.options.stop_hooks.empty()) s_.tasks.spawn(run_stop_hooks(this, vassal.name));
  s_.logger.forget(vassal.name);
  vassal.channel_send.reset();
  vassal.channel_receive.reset();
  for (const char* what : {"send", "receive"})
    s_.keeper.release(held_name("channel", vassal.name, what));
  for (const auto& [address, socket] : vassal.sockets)
    s_.keeper.release(held_name("socket", vassal.name, address));
  s_.tasks.spawn(remove_leftovers(
      this, {vassal.name, std::exchange(vassal.sockets, {}),
             std::exchange(vassal.group, {}), std::exchange(vassal.has_group, false)}));
}

uvx::Task<void> Launcher::remove_leftovers(Launcher* self, Leftovers left) {
  for (auto& [address, socket] : left.sockets)
    co_await unlink_socket(self->s_.loop, std::move(socket));
  for (int look = 0; left.had_group && look < 50; ++look) {
    // Somebody of the same name may be here again: then the group is his.
    if (const Vassal* again = self->s_.roster.find(left.name);
        again != nullptr && again->has_group)
      break;
    const auto removed = left.group.try_remove();
    if (!removed)
      self->s_.log.warn("vassal {}: {}", left.name, removed.error().message());
    if (!removed || *removed == cgroups::Removal::removed) break;
    (void)co_await self->s_.loop.sleep_for(20ms);
  }
}

}  // namespace emperor
