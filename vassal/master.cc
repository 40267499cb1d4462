#include "vassal/master.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/wire/lifeline.h"
#include "vassal/hooks.h"
#include "vassal/journal.h"
#include "vassal/leftovers.h"

namespace vassal {

namespace {

std::string describe(uint32_t index, pid_t pid) {
  return "worker " + std::to_string(index + 1) + " (pid " + std::to_string(pid) + ")";
}

base::Result<> watch(const base::Fd& epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return base::fail_errno("epoll_ctl");
  return {};
}

}  // namespace

std::vector<std::string> application_prefixes(const VassalConfig& config) {
  std::vector<std::string> prefixes;
  if (!config.wsgi_file.empty() || !config.module.empty()) prefixes.emplace_back();
  for (const Mount& mount : config.mounts)
    prefixes.push_back(mount.prefix);
  return prefixes;
}

Master::Master(const VassalConfig& config,
               Sockets sockets,
               Runtime* runtime,
               ScoreboardMap& board,
               Lifeline& lifeline,
               Announcer& announcer)
    : config_(config),
      sockets_(std::move(sockets)),
      runtime_(runtime),
      board_(board),
      lifeline_(lifeline),
      announcer_(announcer),
      prefixes_(application_prefixes(config)),
      slots_(std::clamp(config.processes, 1u, board.room())) {}

Master::~Master() {
  if (pages_ != nullptr) ::munmap(pages_, slots_.size() * sizeof(WorkerPage));
}

int Master::run() {
  lifeline_.hello();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  touches_.open(config_);  // before anything is loaded that may change meanwhile
  if (const auto failed = load()) return *failed;
  const auto now = base::Clock::now();
  const bool check = !config_.health_check.empty();
  auto prepared = prepare();
  if (prepared && check) prepared = begin_check(now);
  if (!prepared) {
    say(Level::error, prepared.error().message());
    lifeline_.failed(prepared.error().message());
    stop();
    end_leftovers();
    return 1;
  }
  if (!check) start_workers(now);
  while (!exit_code_) {
    wait();
    tick(base::Clock::now());
    if (phase_ == Phase::draining && !any_worker()) exit_code_ = 0;
  }
  if (const auto ran = run_hooks(config_, HookPhase::atexit); !ran)
    say(Level::warn, ran.error().message());
  end_leftovers();
  if (again_) outside_.give_back();
  return again_ ? kRunAgain : *exit_code_;
}

std::optional<int> Master::load() {
  if (runtime_ == nullptr || config_.lazy_apps) return std::nullopt;
  if (const auto reason = runtime_->load(config_)) {
    say(Level::error, "the application does not load: " + *reason);
    lifeline_.failed(*reason);
    return wire::lifeline::kExitNoApp;
  }
  if (const auto ran = run_hooks(config_, HookPhase::post_app); !ran) {
    say(Level::error, ran.error().message());
    lifeline_.failed(ran.error().message());
    return 1;
  }
  runtime_->settle();
  return std::nullopt;
}

base::Result<> Master::prepare() {
  const size_t size = slots_.size() * sizeof(WorkerPage);
  void* at =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return base::fail_errno("map the workers' pages");
  pages_ = static_cast<WorkerPage*>(at);
  TRY_ASSIGN(signals_, outside_.take());
  poke_ = base::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!poke_) return base::fail_errno("eventfd");
  epoll_ = base::Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return base::fail_errno("epoll_create1");
  TRY(watch(epoll_, signals_.get()));
  TRY(watch(epoll_, poke_.get()));
  if (lifeline_.fd() >= 0) TRY(watch(epoll_, lifeline_.fd()));
  if (touches_.fd() >= 0) TRY(watch(epoll_, touches_.fd()));
  wire::Scoreboard& board = board_.board();
  board.workers = static_cast<uint32_t>(slots_.size());
  board.master_asleep = config_.harakiri.count() > 0 ? 1 : 0;
  return {};
}

void Master::start_workers(base::Instant now) {
  for (uint32_t i = 0; i < slots_.size(); ++i)
    spawn(i, now);
  if (!workers_say_up()) announce();
}

void Master::announce() {
  if (phase_ != Phase::starting) return;
  phase_ = Phase::serving;
  lifeline_.ready();
  announcer_.start(base::Clock::now());
  pulse_.start(config_.heartbeat, lifeline_.wants_loyalty(), base::Clock::now());
  say(Level::info, "ready workers=" + std::to_string(slots_.size()));
}

bool Master::any_worker() const {
  return std::ranges::any_of(slots_, [](const Slot& slot) { return slot.pid != 0; });
}

void Master::wait() {
  auto next = next_event(slots_);
  for (const auto& at :
       {overdue_check_, pulse_.next(), touches_.next(), check_.due(), announcer_.next()})
    if (at && (!next || *at < *next)) next = at;
  std::array<epoll_event, 8> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                             wait_ms(next, base::Clock::now()));
  for (int i = 0; i < n; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == signals_.get())
      on_signals();
    else if (fd == lifeline_.fd())
      on_lifeline();
    else if (fd == touches_.fd())
      on_touches(base::Clock::now());
    else if (fd == check_.fd())
      look_at_check(base::Clock::now());
    else if (fd == poke_.get()) {
      eventfd_t count;
      ::eventfd_read(poke_.get(), &count);
      overdue_check_ = base::Clock::now() + config_.harakiri;
    } else {
      for (uint32_t k = 0; k < slots_.size(); ++k)
        if (slots_[k].orders.get() == fd) on_orders(k);
    }
  }
}

void Master::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) ==
         static_cast<ssize_t>(sizeof(info))) {
    switch (info.ssi_signo) {
      case SIGCHLD:
        reap();
        break;
      case SIGTERM:
        announcer_.leave(Announcer::Leaving::for_good);
        drain(base::Clock::now());
        break;
      case SIGINT:
      case SIGQUIT:
        stop();
        break;
      default:
        ask_reload("SIGHUP");
    }
  }
}

void Master::on_lifeline() {
  while (const auto message = lifeline_.receive()) {
    if (message->verb == wire::lifeline::kDrain) {
      announcer_.leave(Announcer::leaving_by(*message));
      drain(base::Clock::now());
    } else if (message->verb == wire::lifeline::kStop) {
      stop();
    } else if (message->verb == wire::lifeline::kReload && phase_ != Phase::draining) {
      again_ = true, drain(base::Clock::now());
    }
  }
}

void Master::tick(base::Instant now) {
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.kill_at && *slot.kill_at <= now && slot.pid != 0) {
      say(Level::warn, describe(i, slot.pid) + " did not finish in time, killed");
      ::kill(slot.pid, SIGKILL);
      slot.kill_at.reset();
    }
    if (slot.respawn_at && *slot.respawn_at <= now) spawn(i, now);
  }
  if (overdue_check_ && *overdue_check_ <= now) look_for_overdue(now);
  announcer_.tick(now);
  if (const auto at = pulse_.next(); at && *at <= now) feel_pulse(now);
  if (const auto at = touches_.next(); at && *at <= now) on_touches(now);
  if (const auto at = check_.due(); at && *at <= now) look_at_check(now);
  go_on_with_chain(now);
}

void Master::feel_pulse(base::Instant now) {
  Progress progress;
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    const wire::WorkerLine& line = board_.board().line(i);
    progress.finished += line.finished.load(std::memory_order_relaxed);
    progress.turns += pages_[i].turns.load(std::memory_order_relaxed);
    progress.any_idle |=
        slots_[i].pid != 0 &&
        line.state.load(std::memory_order_relaxed) == wire::WorkerState::idle;
  }
  const Pulse::Due due = pulse_.look(progress, now);
  if (due.heartbeat) lifeline_.heartbeat();
  if (due.loyal) lifeline_.loyal();
}

std::optional<base::Instant> Master::oldest_of_all(base::Instant now) {
  std::optional<base::Instant> oldest;
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    const auto began = oldest_request(pages_[i], config_.threads);
    if (slot.pid == 0 || slot.overdue || !began) continue;
    if (now - *began >= config_.harakiri) {
      slot.overdue = true;
      say(Level::error, describe(i, slot.pid) + " harakiri: a request took longer than " +
                            std::to_string(config_.harakiri.count()) + " s");
      ::kill(slot.pid, SIGKILL);
    } else if (!oldest || *began < *oldest) {
      oldest = began;
    }
  }
  return oldest;
}

void Master::look_for_overdue(base::Instant now) {
  overdue_check_.reset();
  auto oldest = oldest_of_all(now);
  if (!oldest) {
    // Nobody works: sleep until a worker pokes. One that began before it could see the
    // flag is seen by the second look.
    board_.board().master_asleep.store(1, std::memory_order_seq_cst);
    oldest = oldest_of_all(now);
  }
  if (!oldest) return;
  board_.board().master_asleep = 0;
  overdue_check_ = *oldest + config_.harakiri;
}

void Master::drain(base::Instant now) {
  if (phase_ == Phase::draining) return;
  phase_ = Phase::draining;
  announcer_.leave(Announcer::Leaving::to_reload);
  lifeline_.draining();
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    slots_[i].respawn_at.reset();
    if (slots_[i].pid == 0) continue;
    dismiss(i, now + config_.worker_reload_mercy);
  }
}

void Master::stop() {
  announcer_.leave(Announcer::Leaving::for_good);
  for (const Slot& slot : slots_)
    if (slot.pid != 0) ::kill(slot.pid, SIGKILL);
  exit_code_ = 0;
}

}  // namespace vassal
