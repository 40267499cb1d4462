// The half of Master that makes things new: touched files, SIGHUP, workers replaced one
// after the other, and the check before the first of them may be reached.
#include <sys/epoll.h>

#include <csignal>

#include "base/wire/lifeline.h"
#include "vassal/journal.h"
#include "vassal/master.h"

namespace vassal {

namespace {

/// What a worker that only answered the check gets for its farewell.
constexpr std::chrono::seconds kCheckMercy{2};

}  // namespace

/// A fresh process: the emperor's business if there is one of ours, else our own.
void Master::ask_reload(const std::string& why) {
  if (phase_ == Phase::draining) return;
  say(Level::info, "asks for a reload: " + why);
  if (lifeline_.ask_reload(why)) return;
  if (lifeline_.lost()) return say(Level::warn, "no emperor is there to reload");
  again_ = true;
  drain(base::Clock::now());
}

void Master::on_touches(base::Instant now) {
  for (const Touch& touch : touches_.look(now)) {
    if (phase_ == Phase::draining) return;
    switch (touch.wish) {
      case Touch::Wish::reload:
        ask_reload("touch-reload " + touch.path);
        break;
      case Touch::Wish::workers:
        say(Level::info, "replaces its workers: touch-workers-reload " + touch.path);
        renew_workers();
        break;
      case Touch::Wish::log_rotate:
        lifeline_.ask_log(wire::lifeline::kRotateLog);
        break;
      case Touch::Wish::log_reopen:
        lifeline_.ask_log(wire::lifeline::kReopenLog);
        break;
    }
  }
}

// ---- one worker after the other
// ---------------------------------------------------------------

void Master::renew_workers() {
  chain_.clear();
  chain_pid_ = 0;
  for (uint32_t i = static_cast<uint32_t>(slots_.size()); i-- > 0;)
    chain_.push_back(i);
}

/// The next one leaves when the one before is back and has loaded what it loads.
void Master::go_on_with_chain(base::Instant now) {
  while (!chain_.empty() && phase_ != Phase::draining) {
    const Slot& slot = slots_[chain_.back()];
    if (chain_pid_ == 0 && slot.pid != 0) {
      chain_pid_ = slot.pid;
      dismiss(chain_.back(), now + config_.worker_reload_mercy);
    }
    if (slot.pid == 0 || slot.pid == chain_pid_ || !slot.up) return;
    chain_.pop_back();
    chain_pid_ = 0;
  }
  chain_.clear();
}

void Master::dismiss(uint32_t index, base::Instant kill_at) {
  pages_[index].leave = 1;
  send_order(slots_[index], order::kDrain);
  slots_[index].kill_at = kill_at;
}

// ---- the check
// --------------------------------------------------------------------------------

base::Result<> Master::begin_check(base::Instant now) {
  TRY(check_.begin(config_, now));
  const Sockets real =
      std::exchange(sockets_, {.handoff = check_.channel(), .listeners = {}});
  spawn(0, now);
  sockets_ = real;
  check_.forget_channel();
  if (slots_[0].pid == 0) return base::fail("health-check: no worker could be started");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = check_.fd();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, check_.fd(), &event) != 0)
    return base::fail_errno("epoll_ctl");
  checking_ = true;
  return {};
}

void Master::look_at_check(base::Instant now) {
  if (const auto verdict = check_.look(now)) end_check(*verdict, now);
}

/// Its worker goes either way: it must not be the only one that was warmed up.
void Master::end_check(const std::string& fault, base::Instant now) {
  if (phase_ != Phase::starting) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, check_.fd(), nullptr);
  if (fault.empty()) {
    if (slots_[0].pid != 0) dismiss(0, now + kCheckMercy);
    return;
  }
  say(Level::error, fault);
  lifeline_.failed(fault);
  stop();
  exit_code_ = wire::lifeline::kExitNoApp;
}

/// The worker that was checked is gone: now for all.
void Master::checked_worker_ended(const std::string& how, base::Instant now) {
  if (check_.open()) {
    const auto verdict = check_.look(now);
    if (!verdict || !verdict->empty())
      return end_check(verdict ? *verdict : check_.worker_ended(how), now);
  }
  check_.close();
  checking_ = false;
  start_workers(now);
}

}  // namespace vassal
