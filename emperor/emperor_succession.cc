// One emperor after the other, and one keeper after the other: standing by, leaving, and
// finding the next keeper.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/wire/keeper.h"
#include "emperor/emperor.h"
#include "emperor/listen.h"
#include "emperor/views.h"
#include "vassal/spawn.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::keeper;

// ---- before: a candidate
// -----------------------------------------------------------------------

/// Reads everything there is to go on with, changes nothing, and waits to be the emperor.
/// False: it is not to be.
uvx::Task<bool> Emperor::stand_by() {
  if (auto could = co_await rehearse(); !could) {
    log_.error("emperor: cannot go on where another is: {}", could.error().message());
    keeper_.cannot(could.error().message());
    co_return false;
  }
  keeper_.can();
  for (;;) {
    auto incoming = co_await keeper_.receive();
    if (!incoming) co_return false;
    if (incoming->message.verb != verbs::kGo) continue;
    replace_routers_ = incoming->message.number("routers").value_or(0) != 0;
    co_return true;
  }
}

uvx::Task<base::Result<>> Emperor::rehearse() {
  auto held = co_await keeper_.fetch();
  if (!held) co_return std::unexpected(held.error());
  if (auto read = read_layers(); !read) co_return read;
  for (const auto& program : {options_.vassal_program, options_.fastrouter_program})
    if (::access(program.c_str(), X_OK) != 0) co_return base::fail_errno(program);
  for (const auto& [name, fd] : *held) {
    if (!is_snapshot(name)) continue;
    auto snapshot = read_snapshot(fd);
    if (!snapshot) co_return base::wrap(snapshot.error(), base::printable(name, 200));
    if (!has_readable_configurations(*snapshot))
      co_return base::fail("the configuration of " +
                           base::printable(snapshot->name, 200));
  }
  co_return base::Result<>{};
}

// ---- after: leaving
// ---------------------------------------------------------------------------

/// Another takes over. It finds what a crash would leave, only that nothing is half said:
/// so there is nothing to unwind, and nothing that unwinding could disturb. We stay, and
/// do nothing, until the other one is up: if the keeper died now, nobody else would have
/// everything.
uvx::Task<void> Emperor::leave() {
  log_.info("emperor: leaves its place to another vassals={}", roster_.size());
  control_.stop_listening();
  save_claims();
  for (const auto& [name, vassal] : roster_.all())
    on_changed(*vassal);
  co_await say_all(base::Deadline::in(3s));
  keeper_.left();
  if (!keeper_.wait_for_bye() && !next_emperor_came_up()) {
    log_.error(
        "emperor: the keeper and the next emperor are gone, starts another keeper");
    (void)start_keeper();
    co_await say_all(base::Deadline::in(10s));
  }
  ::_exit(0);
}

uvx::Task<void> Emperor::say_all(base::Deadline deadline) {
  while (!deadline.passed() && !(keeper_.flushed() && control_.idle()))
    (void)co_await loop_.sleep_for(1ms);
}

/// It ends at once if it did not get far enough to go on without the keeper; else it
/// opens a door of its own where ours was.
bool Emperor::next_emperor_came_up() const {
  constexpr int kLookMs = 5;
  const auto deadline = base::Deadline::in(options_.upgrade_timeout);
  const auto next = base::Pidfd::open(static_cast<pid_t>(upgrade_.successor));
  pollfd wait{next ? next->fd() : -1, POLLIN, 0};
  while (next && door_.still_ours() && !deadline.passed())
    if (::poll(&wait, 1, kLookMs) == 1) break;
  return !door_.still_ours();
}

uvx::Task<base::Result<std::string>> Emperor::upgrade() {
  if (keeper_.lost()) co_return base::fail("there is no keeper just now");
  if (stopping_) co_return base::fail("the emperor is shutting down");
  if (std::exchange(upgrade_.waits, true))
    co_return base::fail("an upgrade is under way");
  upgrade_.failure.clear();
  keeper_.ask_upgrade();
  co_await upgrade_.wake.wait();
  upgrade_.waits = false;
  if (!upgrade_.failure.empty()) co_return base::fail(upgrade_.failure);
  co_return pair_json("pid", upgrade_.successor);
}

// ---- the keeper
// -------------------------------------------------------------------------------

uvx::Task<void> Emperor::hear_keeper(Emperor* self) {
  for (;;) {
    auto incoming = co_await self->keeper_.receive();
    if (incoming) {
      self->on_keeper(incoming->message);
    } else if (self->keeper_.closed()) {
      co_return;
    } else {
      self->log_.error("emperor: the keeper is gone; everybody goes on");
      self->watch_everybody();
      if (!co_await find_keeper(self)) co_return;
    }
  }
}

void Emperor::on_keeper(const wire::Message& message) {
  if (message.verb == verbs::kExited) {
    const auto pid = static_cast<pid_t>(message.number("pid").value_or(0));
    const auto status = base::ExitStatus::from_wait(
        static_cast<int>(message.number("status").value_or(0)));
    if (!router_.on_exit(pid, status) && !logger_.on_exit(pid, status))
      launcher_.on_exit(pid, status);
    keeper_.noted(pid);
    changed_.set();
  } else if (message.verb == verbs::kStop) {
    begin_shutdown("the keeper was told to stop");
  } else if (message.verb == verbs::kReload) {
    reload_all();
  } else if (message.verb == verbs::kPing) {
    keeper_.pong();
  } else if (message.verb == verbs::kUpgradeFailed) {
    log_.error("emperor: no upgrade: {}", base::printable(message.get("reason"), 500));
    upgrade_.failure = message.get("reason");
    if (upgrade_.waits) upgrade_.wake.set();
  } else if (message.verb == verbs::kLeave && !stopping_) {
    upgrade_.successor = message.number("name").value_or(0);
    leaving_ = true;
    if (upgrade_.waits) upgrade_.wake.set();
    stop_.set();
  }
}

/// Nobody collects for us any more: each end is seen by a pidfd of ours.
void Emperor::watch_everybody() {
  launcher_.watch_everybody();
  router_.watch_everybody();
}

/// A service manager that started the last keeper starts another one, which comes through
/// the door; without one, or when that one does not come, we start it. False: we end.
uvx::Task<bool> Emperor::find_keeper(Emperor* self) {
  constexpr base::Duration kGoodLife = 5s;
  if (base::Clock::now() - self->keeper_since_ > kGoodLife) self->keeper_wait_ = 0ms;
  base::Duration patience = ::getenv("NOTIFY_SOCKET") != nullptr ? 10s : 0s;
  for (;; patience = 0s) {
    const auto wait = std::max(patience, self->keeper_wait_);
    self->keeper_wait_ = std::clamp<base::Duration>(self->keeper_wait_ * 2, 100ms, 5s);
    if (wait > 0ms) co_await self->keeper_wake_.wait(base::Deadline::in(wait));
    if (self->keeper_wake_.closed()) co_return false;
    if (!self->keeper_.lost()) co_return true;
    if (self->stopping_) co_return false;
    if (auto started = self->start_keeper(); !started)
      self->log_.error("emperor: cannot start a keeper: {}", started.error().message());
    else
      co_return true;
  }
}

base::Result<> Emperor::start_keeper() {
  constexpr int kChannel = 3;
  constexpr int kLock = 4;
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  Heritage heritage = heritage_;
  heritage.role = Heritage::Role::keeper;
  heritage.channel = kChannel;
  heritage.lock = kLock;
  vassal::SpawnPlan plan;
  plan.program = "/proc/self/exe";
  plan.argv = {"emperor", heritage.argument()};
  plan.argv.insert(plan.argv.end(), heritage.arguments.begin(), heritage.arguments.end());
  for (char** variable = environ; *variable != nullptr; ++variable)
    plan.env.emplace_back(*variable);
  plan.fds = {{STDOUT_FILENO, STDOUT_FILENO},
              {STDERR_FILENO, STDERR_FILENO},
              {pair.second.get(), kChannel},
              {keeper_.lock(), kLock}};
  plan.parent = vassal::Parent::ours;  // whoever collects orphans: it is not ours to reap
  TRY_ASSIGN(const auto spawned, vassal::spawn(plan, nullptr));
  log_.info("emperor: starts another keeper pid={}", spawned.process.pid());
  keeper_since_ = base::Clock::now();
  heritage_.stand_in = true;
  keeper_.attach(std::make_shared<MessageChannel>(loop_, tasks_, std::move(pair.first)),
                 spawned.process.pid());
  return {};
}

/// Somebody was started from outside and wants to be the keeper.
std::optional<std::string> Emperor::on_new_keeper(std::shared_ptr<MessageChannel> channel,
                                                  pid_t pid) {
  if (leaving_) return "";  // ask the next one
  if (stopping_) return "the emperor is shutting down";
  if (keeper_.alive() && !heritage_.stand_in)
    return "keeper pid " + std::to_string(keeper_.pid());
  log_.info("emperor: another keeper comes pid={}", pid);
  keeper_.attach(std::move(channel), pid);
  heritage_.stand_in = false;
  watch_everybody();
  keeper_wake_.set();
  return std::nullopt;
}

}  // namespace emperor
