// The router's processes: started, adopted, replaced, ended.
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/wire/router_control.h"
#include "emperor/router_link.h"
#include "emperor/spawn_router.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::router_control;

namespace {

/// Names of control channels at the keeper: "router/INDEX/PID", and of those that drain.
constexpr std::string_view kServing = "router/";
constexpr std::string_view kLeaving = "router-leaving/";
/// And of their pidfds: "router-pidfd/INDEX/PID".
constexpr std::string_view kPidfd = "router-pidfd/";

constexpr base::Duration kFirstWait = 10ms;
constexpr base::Duration kLongestWaitAfterUp = 100ms;
constexpr base::Duration kGoodLife = 250ms;
constexpr base::Duration kGoodLifeUnheard = 5s;

/// In ticks since the machine began (proc(5)); 0 if it is gone.
uint64_t started_at(pid_t pid) {
  constexpr int kFieldsBetween = 20;  // "PID (name) STATE ... STARTTIME"
  const auto stat = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  size_t at = stat ? stat->rfind(')') : std::string::npos;
  for (int n = 0; n < kFieldsBetween && at != std::string::npos; ++n)
    at = stat->find(' ', at + 1);
  return at == std::string::npos ? 0 : std::strtoull(stat->c_str() + at, nullptr, 10);
}

std::string held_as(std::string_view kind, size_t index, pid_t pid) {
  return std::string(kind) + std::to_string(index) + "/" + std::to_string(pid);
}

}  // namespace

std::vector<RouterLink::Process*> RouterLink::everybody() const {
  std::vector<Process*> all;
  for (const auto& process : processes_)
    for (Process* p = process.get(); p != nullptr; p = p->before.get())
      all.push_back(p);
  for (const auto& process : leaving_)
    all.push_back(process.get());
  return all;
}

// ---- start
// ------------------------------------------------------------------------------------

void RouterLink::start(Held* held) {
  if (!wanted()) return;
  take_figures(held);
  for (size_t i = 0; i < s_.options.router_processes; ++i) {
    auto& process = processes_.emplace_back(std::make_unique<Process>());
    process->index = i;
  }
  adopt_all(held);
  for (const auto& process : processes_)
    if (process->pid < 0) start_or_wait(*process);
}

/// One process for each place goes on, with that before it if an emperor died between
/// starting the one and sending the other away; more than that drain.
void RouterLink::adopt_all(Held* held) {
  for (const auto kind : {kServing, kLeaving}) {
    const std::string prefix(kind);
    for (auto kept = held->lower_bound(prefix);
         kept != held->end() && kept->first.starts_with(prefix);
         kept = held->erase(kept)) {
      char* end = nullptr;
      const size_t index = std::strtoul(kept->first.c_str() + prefix.size(), &end, 10);
      const auto pid =
          static_cast<pid_t>(*end == '/' ? std::strtol(end + 1, nullptr, 10) : 0);
      auto pidfd = held->extract(held_as(kPidfd, index, pid));
      auto process = pidfd.empty()
                         ? nullptr
                         : adopt(index, base::Pidfd(pid, std::move(pidfd.mapped())),
                                 std::move(kept->second));
      if (!process) {
        s_.keeper.release(kept->first);
        s_.keeper.release(held_as(kPidfd, index, pid));
      } else if (kind == kServing && index < processes_.size() &&
                 !processes_[index]->before) {
        place(std::move(process));
      } else {
        // Who drains takes no inbox any more: nobody would read what is told there.
        inboxes_.erase(process->connection->serial);
        let_leave(std::move(process));
      }
    }
  }
}

/// The younger one goes on once it accepts, and knows what the other does.
void RouterLink::place(std::unique_ptr<Process> process) {
  auto& place = processes_[process->index];
  if (place->pid >= 0) {
    if (started_at(place->pid) > started_at(process->pid)) std::swap(place, process);
    process->before = std::move(place);
  }
  place = std::move(process);
}

std::unique_ptr<RouterLink::Process> RouterLink::adopt(size_t index,
                                                       base::Pidfd pidfd,
                                                       base::Fd control) {
  const pid_t pid = pidfd.pid();
  if (pid <= 0 || base::pid_behind(pidfd.fd(), pid) != pid || pidfd.ended())
    return nullptr;
  auto process = std::make_unique<Process>();
  process->index = index;
  process->pid = pid;
  process->adopted = true;
  process->pidfd = std::move(pidfd);
  attach(*process, std::move(control));
  if (!s_.keeper.reaps(pid)) watch(*process);
  return process;
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
  s_.keeper.hold(held_as(kPidfd, process.index, process.pid), process.pidfd.fd());
  s_.keeper.hold(held_as(kServing, process.index, process.pid), pair.first.get());
  s_.log.info("router {}: spawned pid={}", process.index, process.pid);
  attach(process, std::move(pair.first));
  if (!s_.keeper.reaps(process.pid)) watch(process);
  return {};
}

void RouterLink::attach(Process& process, base::Fd control) {
  auto channel = std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(control));
  process.connection = std::make_shared<Connection>(s_.loop, std::move(channel));
  make_inbox(*process.connection);
  queue_picture(process);
  s_.tasks.spawn(send_pending(this, process.connection));
  s_.tasks.spawn(listen_to(this, process.connection));
}

void RouterLink::start_or_wait(Process& process) {
  auto spawned = spawn(process);
  if (spawned) return;
  s_.log.error("router {}: cannot start: {}", process.index, spawned.error().message());
  child_failed(process);
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
  if (wait > kFirstWait) (void)co_await self->s_.loop.sleep_for(wait);
  if (!self->stopping_ && process->pid < 0) self->start_or_wait(*process);
}

// ---- replacing
// --------------------------------------------------------------------------------

void RouterLink::replace_all() {
  for (size_t i = 0; i < processes_.size(); ++i)
    if (processes_[i]->pid >= 0 && !processes_[i]->before) replace(i);
}

void RouterLink::replace(size_t index) {
  auto fresh = std::make_unique<Process>();
  fresh->index = index;
  if (auto spawned = spawn(*fresh); !spawned) {
    s_.log.error("router {}: is not replaced: {}", index, spawned.error().message());
    return;
  }
  fresh->before = std::exchange(processes_[index], nullptr);
  processes_[index] = std::move(fresh);
}

/// It accepts: whoever was in its place may go.
void RouterLink::on_up(const Connection& connection) {
  for (const auto& place : processes_)
    for (Process* process = place.get(); process != nullptr;
         process = process->before.get()) {
      if (process->connection.get() != &connection) continue;
      s_.log.debug("router {}: up pid={}", process->index, process->pid);
      process->up = true;
      if (process->before) let_leave(std::move(process->before));
      return;
    }
}

/// An emperor before us started it with other options, or to listen elsewhere.
void RouterLink::on_outdated(const Connection& connection) {
  for (size_t i = 0; i < processes_.size() && !stopping_; ++i) {
    if (processes_[i]->connection.get() != &connection || processes_[i]->before) continue;
    s_.log.info("router {}: is replaced, its options have changed", i);
    return replace(i);
  }
}

void RouterLink::let_leave(std::unique_ptr<Process> process) {
  s_.log.info("router {}: drains pid={}", process->index, process->pid);
  // In this order: a service manager keeps one descriptor under one name only.
  s_.keeper.release(held_as(kServing, process->index, process->pid));
  if (process->connection) {
    s_.keeper.hold(held_as(kLeaving, process->index, process->pid),
                   process->connection->channel->fd());
    process->connection->channel->send({verbs::kDrain, {}});
    queue({Item::Kind::sibling_gone, process->connection->serial});
  }
  leaving_.push_back(std::move(process));
}

// ---- ends
// -------------------------------------------------------------------------------------

bool RouterLink::on_exit(pid_t pid, base::ExitStatus status) {
  const Process* process = find(pid);
  if (process == nullptr) return false;
  const size_t index = process->index;
  if (status.success())
    s_.log.info("router {}: ended pid={}", index, pid);
  else
    s_.log.warn("router {}: ended pid={} reason=\"{}\"", index, pid, status.describe());
  for (const auto kind : {kServing, kLeaving, kPidfd})
    s_.keeper.release(held_as(kind, index, pid));
  if (leaving_ended(pid)) return true;
  auto& serving = processes_[index];
  if (serving->pid == pid)
    serving_ended(serving);
  else if (serving->before && serving->before->pid == pid)
    close(*std::exchange(serving->before, nullptr));
  return true;
}

bool RouterLink::leaving_ended(pid_t pid) {
  const auto found =
      std::ranges::find_if(leaving_, [&](const auto& p) { return p->pid == pid; });
  if (found == leaving_.end()) return false;
  close(**found);
  leaving_.erase(found);
  return true;
}

void RouterLink::serving_ended(std::unique_ptr<Process>& process) {
  close(*process);
  if (process->before) {
    s_.log.error("router {}: the new one did not come up, the old one stays",
                 process->index);
    process = std::exchange(process->before, nullptr);
    return;
  }
  // Who came up and was killed is wanted back at once; who cannot come up is not.
  const bool was_up = process->may_be_up();
  process->up = process->adopted = false;
  const auto lived = base::Clock::now() - process->began;
  if (lived > (was_up ? kGoodLife : kGoodLifeUnheard)) process->wait = kFirstWait;
  if (was_up) process->wait = std::min(process->wait, kLongestWaitAfterUp);
  child_failed(*process);
}

void RouterLink::close(Process& process) {
  if (process.connection) {
    inboxes_.erase(process.connection->serial);
    // Its last words may not have been heard yet.
    if (process.connection->channel->closed())
      keep_figures(*process.connection);
    else
      ending_.push_back(process.connection);
  }
  if (auto* poll = std::exchange(process.end_watch, nullptr)) poll->close();
  process.watched = false;
  process.connection.reset();
  process.pid = -1;
  process.pidfd = {};
}

void RouterLink::watch_everybody() {
  for (Process* process : everybody())
    if (process->pid >= 0) watch(*process);
}

void RouterLink::watch(Process& process) {
  if (process.watched) return;
  auto copy = base::duplicate(process.pidfd.fd());
  if (!copy) return;
  process.watched = true;
  s_.tasks.spawn(watch_end(this, base::Pidfd(process.pid, *std::move(copy))));
}

RouterLink::Process* RouterLink::find(pid_t pid) const {
  const auto all = everybody();
  const auto found = std::ranges::find(all, pid, &Process::pid);
  return found == all.end() ? nullptr : *found;
}

uvx::Task<void> RouterLink::watch_end(RouterLink* self, base::Pidfd pidfd) {
  co_await self->s_.loop.yield();  // its end is never told from within an order
  {
    uvx::Poll poll(self->s_.loop, pidfd.fd());
    Process* process = self->find(pidfd.pid());
    if (process == nullptr) co_return;
    process->end_watch = &poll;
    while (!pidfd.ended())
      if (!co_await poll.readable()) co_return;
    // It may be gone, if somebody else said so first.
    process = self->find(pidfd.pid());
    if (process == nullptr) co_return;
    process->end_watch = nullptr;
  }
  const base::ExitStatus unseen{base::ExitStatus::Kind::signalled, SIGKILL};
  self->on_exit(pidfd.pid(), pidfd.ended_how().value_or(unseen));
}

size_t RouterLink::running() const {
  return static_cast<size_t>(
      std::ranges::count_if(everybody(), [](const Process* p) { return p->pid >= 0; }));
}

uvx::Task<void> RouterLink::stop(base::Deadline deadline) {
  stopping_ = true;
  for (const Process* process : everybody())
    if (process->connection) process->connection->channel->send({verbs::kDrain, {}});
  while (running() > 0 && !deadline.passed())
    (void)co_await s_.loop.sleep_for(5ms);
  for (const Process* process : everybody())
    if (process->pid >= 0) (void)process->pidfd.signal(SIGKILL);
  const auto patience = base::Deadline::in(s_.options.kill_patience);
  while (running() > 0 && !patience.passed())
    (void)co_await s_.loop.sleep_for(5ms);
  for (Process* process : everybody())
    close(*process);
  for (const auto& connection : ending_)
    connection->close();
  s_.keeper.release(kGoneHeldAs);
  for (const auto& listener : listeners_) {
    s_.keeper.release(listener.held_as);
    if (!listener.path.empty()) ::unlink(listener.path.c_str());
  }
}

}  // namespace emperor
