// The half of Master that deals with the worker processes: forking, hearing, reaping.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd_passing.h"
#include "base/wire/lifeline.h"
#include "vassal/journal.h"
#include "vassal/master.h"

namespace vassal {

namespace {

constexpr std::chrono::seconds kForkAgain{1};

/// One word over the pair of master and worker. Who does not take it is about to die, and
/// that is seen in another way.
void tell(int channel, std::string_view word) {
  [[maybe_unused]] const auto sent = base::send_with_fds(channel, word, {});
}

}  // namespace

void Master::spawn(uint32_t index, base::Instant now) {
  Slot& slot = slots_[index];
  slot.respawn_at.reset();
  auto pair = base::make_socketpair(SOCK_SEQPACKET);
  if (!pair) {
    say(Level::error, "worker: " + pair.error().message());
    slot.respawn_at = now + kForkAgain;
    return;
  }
  new (&pages_[index]) WorkerPage{};
  if (runtime_ != nullptr) runtime_->before_fork();
  const pid_t pid = ::fork();
  if (pid == 0) {
    pair->first.reset();
    become_worker(index, std::move(pair->second));
  }
  if (runtime_ != nullptr) runtime_->after_fork_in_parent();
  if (pid < 0) {
    say(Level::error, std::string("cannot fork a worker: ") + std::strerror(errno));
    slot.respawn_at = now + kForkAgain;
    return;
  }
  slot.pid = pid;
  slot.started = now;
  slot.overdue = false;
  slot.up = !workers_say_up();
  slot.orders = std::move(pair->first);
  board_.board().line(index).pid = static_cast<uint32_t>(pid);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = slot.orders.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot.orders.get(), &event);
}

/// The child of the fork. Nothing of the master's may stay open here: an order channel
/// whose other end a sibling holds would not end with the master.
void Master::become_worker(uint32_t index, base::Fd orders) {
  epoll_.reset();
  signals_.reset();
  lifeline_ = Lifeline(base::Fd());
  touches_.close();
  check_.close_in_worker();
  for (Slot& slot : slots_)
    slot.orders.reset();
  outside_.give_back();
  ::prctl(PR_SET_NAME, ("vassal/w" + std::to_string(index + 1)).c_str(), 0, 0, 0);
  set_state(board_.board().line(index), wire::WorkerState::starting,
            base::to_wire(base::Clock::now()));
  const auto give_up = [&orders](const std::string& what, const std::string& reason) {
    say(Level::error, what + reason);
    tell(orders.get(), std::string(order::kFailed) + reason);
    ::_exit(wire::lifeline::kExitNoApp);
  };
  if (runtime_ != nullptr && config_.lazy_apps)
    if (const auto reason = runtime_->load(config_))
      give_up("the application does not load: ", *reason);
  if (runtime_ != nullptr) runtime_->after_fork_in_child(index + 1);
  if (runtime_ != nullptr && runtime_->many_at_once())
    if (const auto reason = runtime_->start())
      give_up("the application does not start: ", *reason);
  if (workers_say_up()) tell(orders.get(), order::kUp);
  ::_exit(run_worker({.config = config_,
                      .runtime = runtime_,
                      .prefixes = prefixes_,
                      .sockets = sockets_,
                      .board = board_.board(),
                      .page = pages_[index],
                      .index = index,
                      .master_poke = poke_.get(),
                      .orders = orders.get()}));
}

/// Whether a worker is of use only after something that it does itself.
bool Master::workers_say_up() const {
  return config_.lazy_apps || (runtime_ != nullptr && runtime_->many_at_once());
}

void Master::send_order(const Slot& slot, std::string_view order) {
  tell(slot.orders.get(), order);
}

void Master::on_orders(uint32_t index) {
  Slot& slot = slots_[index];
  std::array<char, 1024> text;
  const auto received = base::receive_with_fds(slot.orders.get(), text);
  if (!received && received.error().is(std::errc::resource_unavailable_try_again)) return;
  if (!received || received->size == 0) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, slot.orders.get(), nullptr);
    return;
  }
  const std::string_view word(text.data(), received->size);
  if (word == order::kUp) slot.up = true;
  if (word == order::kUp && !checking_) announce();
  if (word == order::kLeaves && !slot.kill_at)
    slot.kill_at = base::Clock::now() + config_.worker_reload_mercy;
  if (word.starts_with(order::kFailed) && phase_ == Phase::starting) {
    lifeline_.failed(word.substr(order::kFailed.size()));
    stop();
    exit_code_ = wire::lifeline::kExitNoApp;
  }
}

void Master::reap() {
  const base::Instant now = base::Clock::now();
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    // Others are orphans of the application that this process adopted.
    for (uint32_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].pid == pid)
        on_worker_end(i, base::ExitStatus::from_wait(status), now);
  }
}

void Master::on_worker_end(uint32_t index, base::ExitStatus status, base::Instant now) {
  Slot& slot = slots_[index];
  if (slot.orders) on_orders(index);
  wire::WorkerLine& line = board_.board().line(index);
  line.pid = 0;
  set_state(line, wire::WorkerState::absent, base::to_wire(now));
  const pid_t pid = std::exchange(slot.pid, 0);
  slot.orders.reset();
  slot.kill_at.reset();
  if (exit_code_) return;
  if (checking_ && phase_ == Phase::starting)
    return checked_worker_ended(status.describe(), now);
  if (!status.success()) {
    const std::string reason = slot.overdue ? "harakiri" : status.describe();
    say(Level::warn, "worker " + std::to_string(index + 1) + " (pid " +
                         std::to_string(pid) + ") died: " + reason);
    lifeline_.worker_died(index + 1, reason);
    board_.board().respawns.fetch_add(1, std::memory_order_relaxed);
  }
  poke_another(index);
  if (phase_ == Phase::draining) return;
  const base::Duration delay = status.success() || slot.overdue
                                   ? base::Duration::zero()
                                   : respawn_delay(now - slot.started, slot.quick_deaths);
  slot.respawn_at = now + delay;
}

/// The wake-up for a waiting connection may have died with the worker that got it.
void Master::poke_another(uint32_t index) {
  for (uint32_t k = 1; k < slots_.size(); ++k) {
    const uint32_t other = (index + k) % static_cast<uint32_t>(slots_.size());
    const auto state = board_.board().line(other).state.load(std::memory_order_relaxed);
    if (slots_[other].pid == 0 || state != wire::WorkerState::idle) continue;
    return send_order(slots_[other], order::kPoke);
  }
}

}  // namespace vassal
