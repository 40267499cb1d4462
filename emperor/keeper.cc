#include "emperor/keeper.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/process.h"
#include "base/wire/keeper.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::keeper;

namespace {

constexpr base::Duration kFirstWait = 20ms;
/// For what the service manager has not taken yet when we end.
constexpr base::Duration kLastWords = 2s;
constexpr base::Duration kLongestWaitAfterUp = 200ms;
constexpr base::Duration kLongestWait = 5s;

}  // namespace

int Keeper::run() {
  // In a dead one's place: the emperor is nobody's child. One of ours takes over from it,
  // so that what it starts is reaped here.
  if (emperor_) upgrade(Binary::good);
  while (exit_code_ < 0) {
    if (!emperor_ && restart_at_.passed()) start_emperor();
    wait_for_something();
    look_at_clock();
  }
  send_former_away();
  notify_.drain(base::Deadline::in(kLastWords));
  return exit_code_;
}

int Keeper::wait_ms() const {
  auto next = stage_ == Stage::none ? base::Deadline::never() : stage_until_;
  if (!emperor_) next = base::Deadline(std::min(next.at(), restart_at_.at()));
  next = base::Deadline(std::min(next.at(), watch_at_.at()));
  if (next.is_never()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(next.at() - base::Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
}

void Keeper::wait_for_something() {
  if (emperor_) emperor_->flush(held_.all());
  if (candidate_) candidate_->flush(held_.all());
  const auto wait_on = [](const std::optional<Seat>& seat) {
    return seat ? pollfd{seat->channel(), seat->events(), 0} : pollfd{-1, 0, 0};
  };
  std::array<pollfd, 4> waits{{{signals_.get(), POLLIN, 0},
                               wait_on(emperor_),
                               wait_on(candidate_),
                               {notify_.waiting_on(), POLLOUT, 0}}};
  if (::poll(waits.data(), waits.size(), wait_ms()) <= 0) return;
  constexpr short kSomething = POLLIN | POLLHUP | POLLERR;
  // Messages before deaths: the emperor's last words say whether its end is meant.
  if ((waits[2].revents & kSomething) != 0) hear(candidate_);
  if ((waits[1].revents & kSomething) != 0) hear(emperor_);
  if (waits[3].revents != 0) notify_.flush();
  if (waits[0].revents != 0) on_signals();
}

/// An emperor that has left goes only when we say so: our end alone would look like a
/// death to it, after which it brings everything back.
void Keeper::send_former_away() {
  if (!former_) return;
  former_->tell(verbs::kBye);
  former_->flush(held_.all());
  former_.reset();
}

// ---- signals and deaths
// -----------------------------------------------------------------------

void Keeper::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info))
    on_signal(info.ssi_signo);
  reap();
}

void Keeper::on_signal(uint32_t number) {
  if (number == SIGCHLD) return;
  if (number == SIGUSR2) {
    upgrade(Binary::installed);
  } else if (number == SIGHUP) {
    if (emperor_) emperor_->tell(verbs::kReload);
  } else {
    // The second time, nobody waits for an emperor that never comes up.
    if (!emperor_ && stop_wanted_) exit_code_ = 1;
    want_stop();
    if (stage_ == Stage::rehearsing) upgrade_failed("the keeper was told to stop");
    if (emperor_ && stage_ != Stage::leaving) emperor_->tell(verbs::kStop);
  }
}

/// Whichever emperor there is by then: it stops.
void Keeper::want_stop() {
  if (!std::exchange(stop_wanted_, true)) notify_.say("STOPPING=1");
}

void Keeper::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (emperor_ && pid == emperor_->pid())
      on_emperor_end(base::ExitStatus::from_wait(status));
    else if (candidate_ && pid == candidate_->pid())
      on_candidate_end(base::ExitStatus::from_wait(status));
    else
      on_child_end(pid, status);
  }
}

void Keeper::on_emperor_end(base::ExitStatus status) {
  if (!shutting_down_ && emperor_up_) return emperor_ended(status.describe());
  hear(emperor_);
  exit_code_ = status.kind == base::ExitStatus::Kind::exited ? status.value : 1;
}

void Keeper::on_candidate_end(base::ExitStatus status) {
  hear(candidate_);  // it may have said why
  if (candidate_) upgrade_failed("the new emperor ended: " + status.describe());
}

void Keeper::on_child_end(pid_t pid, int wait_status) {
  exits_[std::to_string(pid)] = wait_status;
  if (emperor_) emperor_->tell(verbs::kExited, std::to_string(pid), wait_status);
}

void Keeper::emperor_ended(const std::string& how) {
  if (!emperor_) return;
  Seat gone = *std::move(emperor_);
  emperor_.reset();
  // What it said last: it may be what the next one has to know.
  while (auto said = gone.hear())
    on_message(*std::move(said));
  if (emperor_) return;  // its last word was that it left
  if (shutting_down_) {
    exit_code_ = 0;
  } else if (stage_ == Stage::leaving && candidate_) {
    candidate_becomes_emperor();
  } else {
    if (candidate_) upgrade_failed("the old emperor ended meanwhile");
    restart_later(how);
  }
}

void Keeper::restart_later(const std::string& how) {
  if (stage_ == Stage::settling)
    log_.error(
        "keeper: the new emperor ended before it was up, the one before it follows");
  stage_ = Stage::none;
  const auto lived = base::Clock::now() - started_;
  if (lived > 10s) wait_ = kFirstWait;
  // Who came up and was killed is wanted back at once; who cannot come up is not.
  if (up_) wait_ = std::min(wait_, kLongestWaitAfterUp);
  restart_at_ = base::Deadline::in(wait_);
  log_.warn("keeper: the emperor ended reason=\"{}\" restart_in={}ms held={}", how,
            wait_ / 1ms, held_.all().size());
  wait_ = std::min<base::Duration>(wait_ * 2, kLongestWait);
}

// ---- messages
// ---------------------------------------------------------------------------------

void Keeper::hear(std::optional<Seat>& seat) {
  const bool candidate = &seat == &candidate_;
  while (seat) {
    auto said = seat->hear();
    if (!said) break;
    if (candidate)
      on_candidate(said->message);
    else
      on_message(*std::move(said));
  }
  // A child's end is reported with its status; a stranger's only so.
  if (!candidate && seat && seat->channel() < 0 && seat->kin() == Seat::Kin::stranger)
    emperor_ended("nobody was there to see how");
}

void Keeper::on_message(Seat::Said said) {
  heard_ = base::Clock::now();
  const auto& verb = said.message.verb;
  const std::string name(said.message.get("name"));
  if (verb == verbs::kHold || verb == verbs::kRelease) {
    on_holding(verb, name, said.fd);
  } else if (verb == verbs::kNoted) {
    exits_.erase(name);
  } else if (verb == verbs::kFetch) {
    if (emperor_) emperor_->tell_everything(held_.all(), exits_);
  } else if (verb == verbs::kStopping) {
    want_stop();
    if (candidate_) upgrade_failed("the emperor shuts down");
  } else if (verb == verbs::kShutdown) {
    want_stop();
    shutting_down_ = true;
  } else if (verb == verbs::kUp) {
    on_up();
  } else if (verb == verbs::kLeft) {
    // Without the other one it ends, and is started again like one that died.
    if (stage_ == Stage::leaving && candidate_)
      candidate_becomes_emperor();
    else if (emperor_)
      emperor_->tell(verbs::kBye);
  } else if (verb == verbs::kUpgrade) {
    upgrade(Binary::installed);
  }
}

void Keeper::on_holding(const std::string& verb,
                        const std::string& name,
                        const base::Fd& fd) {
  if (verb == verbs::kRelease) {
    held_.release(name);
    store_.release(name);
  } else if (fd) {
    held_.hold(name, fd.get());
    store_.hold(name, fd.get());
  }
}

void Keeper::on_candidate(const wire::Message& message) {
  if (!candidate_) return;
  if (message.verb == verbs::kFetch)
    candidate_->tell_everything(held_.all(), {});
  else if (message.verb == verbs::kCan)
    candidate_can();
  else if (message.verb == verbs::kCannot)
    upgrade_failed(std::string(message.get("reason")));
}

void Keeper::on_up() {
  if (!emperor_) return;
  if (stage_ == Stage::settling) {
    stage_ = Stage::none;
    log_.info("keeper: the emperor is another one now pid={}", emperor_->pid());
  }
  send_former_away();
  remember_good_binary(emperor_->pid());
  up_ = emperor_up_ = true;
  notify_.say("READY=1\nSTATUS=up\nMAINPID=" + std::to_string(::getpid()));
  if (stop_wanted_) emperor_->tell(verbs::kStop);
}

// ---- time
// -------------------------------------------------------------------------------------

void Keeper::look_at_clock() {
  if (stage_ != Stage::none && stage_until_.passed()) stage_is_late();
  if (watch_at_.passed()) watch_over();
}

/// We are there; whether the emperor is, is ours to see: one that hangs is ended, and
/// another goes on.
void Keeper::watch_over() {
  const auto now = base::Clock::now();
  const auto interval = notify_.watchdog().value_or(1h);
  watch_at_ = base::Deadline(now + interval / 3);
  notify_.say("WATCHDOG=1");
  if (!emperor_ || !emperor_up_ || stage_ != Stage::none) {
    heard_ = now;
    return;
  }
  if (now - heard_ > interval) {
    log_.error("keeper: the emperor says nothing any more, killed pid={}",
               emperor_->pid());
    heard_ = now;
    emperor_->kill();
  }
  emperor_->tell(verbs::kPing);
}

int run_keeper(const KeeperSetup& setup, base::Log& log) {
  Keeper keeper(setup, log);
  if (auto prepared = keeper.prepare(); !prepared) {
    log.error("emperor: {}", prepared.error().message());
    return 1;
  }
  const int code = keeper.run();
  keeper.clean();
  return code;
}

}  // namespace emperor
