#include "vassal/command.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/wire/lifeline.h"
#include "vassal/command_start.h"
#include "vassal/hooks.h"
#include "vassal/journal.h"
#include "vassal/leftovers.h"
#include "vassal/master.h"
#include "vassal/master_slots.h"

namespace vassal {

namespace {

constexpr int kMostAtOnce = 64;
constexpr int kShellNotFound = 127;
constexpr int kShellNotRunnable = 126;
constexpr int kShellSignalled = 128;

base::Result<> watch(const base::Fd& epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return base::fail_errno("epoll_ctl");
  return {};
}

std::string describe_end(base::ExitStatus status, bool ready) {
  std::string text = "the command ended";
  if (!ready) text += " before it was ready";
  text += ": " + status.describe();
  if (status.kind != base::ExitStatus::Kind::exited) return text;
  if (status.value == kShellNotFound) text += " (not found)";
  if (status.value == kShellNotRunnable) text += " (cannot be run)";
  return text;
}

/// One datagram; nothing from anybody but the tenant's own processes.
std::optional<std::string> receive_own(int socket) {
  std::array<char, 4096> text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return std::nullopt;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    const auto* from = reinterpret_cast<const ucred*>(CMSG_DATA(c));
    if (from->uid == ::geteuid())
      return std::string(text.data(), static_cast<size_t>(size));
  }
  return std::string();
}

}  // namespace

Command::Command(const VassalConfig& config,
                 std::vector<ListenerName> listeners,
                 Lifeline& lifeline,
                 Announcer& announcer)
    : config_(config),
      listeners_(std::move(listeners)),
      lifeline_(lifeline),
      announcer_(announcer),
      state_(config.command_type, config.startsecs, base::Clock::now()) {}

int Command::run() {
  lifeline_.hello();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (const auto started = start(); !started) {
    say(Level::error, started.error().message());
    lifeline_.failed(started.error().message());
    return 1;
  }
  while (!exit_code_) {
    wait();
    tick(base::Clock::now());
  }
  if (const auto ran = run_hooks(config_, HookPhase::atexit); !ran)
    say(Level::warn, ran.error().message());
  end_leftovers();
  if (again_) outside_.give_back();
  return again_ ? kRunAgain : *exit_code_;
}

base::Result<> Command::start() {
  TRY_ASSIGN(signals_, outside_.take());
  epoll_ = base::Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return base::fail_errno("epoll_create1");
  TRY(watch(epoll_, signals_.get()));
  if (lifeline_.fd() >= 0) TRY(watch(epoll_, lifeline_.fd()));
  base::Fd theirs;
  std::string notify;
  if (config_.command_type == CommandType::uwsgi) {
    TRY_ASSIGN(theirs, open_line());
  } else if (config_.command_type == CommandType::notify) {
    TRY_ASSIGN(notify, open_notify());
  }
  const auto plan = plan_command(config_, listeners_, theirs.get(), notify);
  TRY_ASSIGN(pid_, start_command(plan, outside_));
  say(Level::info, "command started pid=" + std::to_string(pid_));
  return {};
}

/// The program's end of the line.
base::Result<base::Fd> Command::open_line() {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_STREAM));
  line_ = std::move(pair.first);
  TRY(watch(epoll_, line_.get()));
  return std::move(pair.second);
}

/// An abstract address that the kernel chooses: nothing to unlink, and any process of the
/// tenant may send to it.
base::Result<std::string> Command::open_notify() {
  notify_ = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(address.sun_family);
  if (!notify_ ||
      ::setsockopt(notify_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      ::bind(notify_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0)
    return base::fail_errno("the socket for sd_notify");
  size = sizeof(address);
  if (::getsockname(notify_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return base::fail_errno("the socket for sd_notify");
  TRY(watch(epoll_, notify_.get()));
  return "@" + std::string(address.sun_path + 1, size - sizeof(address.sun_family) - 1);
}

// ---- the loop

void Command::wait() {
  auto next = state_.due();
  for (const auto& at : {kill_at_, announcer_.next()})
    if (at && (!next || *at < *next)) next = at;
  std::array<epoll_event, 8> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                             wait_ms(next, base::Clock::now()));
  for (int i = 0; i < n; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == line_.get())
      on_line();
    else if (fd == notify_.get())
      on_notify();
    else if (fd == lifeline_.fd())
      on_lifeline();
    else if (fd == signals_.get())
      on_signals();
  }
}

void Command::on_signals() {
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
        announcer_.leave(Announcer::Leaving::for_good);
        exit_code_ = 0;
        break;
      default:
        say(Level::info, "SIGHUP is ignored: a changed file makes a new generation");
    }
  }
}

void Command::on_lifeline() {
  while (const auto message = lifeline_.receive()) {
    if (message->verb == wire::lifeline::kDrain) {
      announcer_.leave(Announcer::leaving_by(*message));
      drain(base::Clock::now());
    } else if (message->verb == wire::lifeline::kStop) {
      announcer_.leave(Announcer::Leaving::for_good);
      exit_code_ = 0;
    } else if (message->verb == wire::lifeline::kReload && !draining_) {
      again_ = true, drain(base::Clock::now());
    }
  }
}

void Command::on_line() {
  std::array<uint8_t, 64> bytes;
  const ssize_t n = ::recv(line_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return line_.reset();  // it wants nothing more of us; its end is news later
  const base::Instant now = base::Clock::now();
  for (size_t i = 0; i < static_cast<size_t>(n); ++i)
    if (const auto word = wire::emperor_byte::word_of(bytes[i]))
      tell(state_.on_word(*word, now));
}

void Command::on_notify() {
  // Anybody may send here; whoever never stops must not keep us from everything else.
  for (int i = 0; i < kMostAtOnce; ++i)
    if (const auto text = receive_own(notify_.get()))
      tell(state_.on_notify(*text));
    else
      return;
}

void Command::tick(base::Instant now) {
  tell(state_.on_time(now));
  announcer_.tick(now);
  if (!kill_at_ || *kill_at_ > now) return;
  kill_at_.reset();
  say(Level::warn, "the command did not finish in time, killed");
  exit_code_ = 0;
}

void Command::tell(CommandState::Tell what) {
  if (draining_ || exit_code_) return;
  switch (what) {
    case CommandState::Tell::nothing:
      break;
    case CommandState::Tell::ready:
      say(Level::info, "ready command=" + std::to_string(pid_));
      lifeline_.ready();
      announcer_.start(base::Clock::now());
      break;
    case CommandState::Tell::heartbeat:
      lifeline_.heartbeat();
      break;
    case CommandState::Tell::leaving:
      say(Level::info, "the command says that it is idle");
      if (lifeline_.fd() >= 0)
        lifeline_.idle();
      else
        drain(base::Clock::now());
      break;
  }
}

// ---- the end

void Command::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid == pid_) on_end(base::ExitStatus::from_wait(status));
  }
}

void Command::on_end(base::ExitStatus status) {
  pid_ = 0;
  announcer_.leave(Announcer::Leaving::for_good);
  if (exit_code_) return;
  if (draining_) {
    exit_code_ = 0;
    return;
  }
  const std::string text = describe_end(status, state_.ready());
  say(status.success() ? Level::info : Level::error, text);
  if (!status.success() || !state_.ready()) lifeline_.failed(text);
  const bool exited = status.kind == base::ExitStatus::Kind::exited;
  exit_code_ = exited ? status.value : kShellSignalled + status.value;
}

void Command::drain(base::Instant now) {
  if (std::exchange(draining_, true)) return;
  announcer_.leave(Announcer::Leaving::to_reload);
  lifeline_.draining();
  kill_at_ = now + config_.reload_mercy;
  ask_to_finish();
}

/// A uWSGI that hears its emperor is asked in its own words: its SIGTERM means to reload.
void Command::ask_to_finish() {
  const auto byte = static_cast<uint8_t>(wire::emperor_byte::Order::stop_gracefully);
  if (line_ && ::send(line_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) return;
  const bool uwsgi = config_.command_type == CommandType::uwsgi;
  const int signal =
      uwsgi && config_.stop_signal == SIGTERM ? SIGQUIT : config_.stop_signal;
  if (pid_ > 0) ::kill(pid_, signal);
}

}  // namespace vassal
