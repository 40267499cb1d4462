#include "emperor/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fd_passing.h"
#include "base/files.h"
#include "base/process.h"
#include "base/wire/keeper.h"
#include "base/wire/message.h"

namespace emperor {

namespace {

using namespace std::chrono_literals;
namespace verbs = wire::keeper;

constexpr rlim_t kMostDescriptors = 1 << 20;

/// Raises the soft limit so that thousands of vassals fit.
void raise_nofile() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kMostDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class Keeper {
 public:
  Keeper(const KeeperSetup& setup, base::Log& log) : setup_(setup), log_(log) {}

  base::Result<> prepare();
  int run();
  /// Removes what names this pair; the logs stay.
  void clean();

 private:
  base::Result<> start_emperor();
  [[noreturn]] void exec_emperor(int channel) const;
  void wait_for_something();
  void on_signals();
  void reap();
  void emperor_ended(base::ExitStatus status);
  void on_message();
  void flush();
  void queue(std::string verb, std::string name = {}, int status = 0);
  bool send(const wire::Message& message, int fd);
  void queue_everything();
  void tell_systemd(std::string_view state) const;
  std::string path(const char* name) const { return setup_.run_dir + "/" + name; }

  struct Outgoing {
    std::string verb;
    std::string name;  ///< of a held descriptor, or a pid
    int status = 0;
  };

  const KeeperSetup& setup_;
  base::Log& log_;
  base::Fd lock_;
  base::Fd signals_;
  base::Fd channel_;
  sigset_t original_mask_{};
  pid_t emperor_ = -1;
  bool emperor_up_ = false;     // it came up at least once
  bool shutting_down_ = false;  // the emperor ends on purpose
  int exit_code_ = -1;
  base::Instant started_;
  base::Duration wait_ = 20ms;
  base::Deadline restart_at_{base::Clock::now()};
  std::map<std::string, base::Fd> held_;
  std::map<std::string, int>
      exits_;  // pid -> wait status, until the emperor has taken note
  std::deque<Outgoing> outgoing_;
};

base::Result<> Keeper::prepare() {
  std::error_code error;
  std::filesystem::create_directories(setup_.run_dir, error);
  if (error) return base::fail(error.value(), "create run-dir " + setup_.run_dir);
  lock_ = base::Fd(
      ::open(path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock_) return base::fail_errno("open " + path("lock"));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const auto who = base::read_file(path("keeper.pid"), 64);
    return base::fail(setup_.run_dir + " is in use by another emperor (keeper pid " +
                      (who ? who->substr(0, who->find('\n')) : "unknown") + ")");
  }
  TRY(base::write_file(path("keeper.pid"), std::to_string(::getpid()) + "\n"));
  raise_nofile();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return base::fail_errno("become subreaper");

  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int s : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD})
    sigaddset(&wanted, s);
  ::sigprocmask(SIG_BLOCK, &wanted, &original_mask_);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = base::Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return base::fail_errno("signalfd");
  return {};
}

base::Result<> Keeper::start_emperor() {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_errno("fork the emperor");
  if (pid == 0) exec_emperor(pair.second.get());
  emperor_ = pid;
  channel_ = std::move(pair.first);
  outgoing_.clear();
  started_ = base::Clock::now();
  restart_at_ = {};
  return base::write_file(path("emperor.pid"), std::to_string(pid) + "\n");
}

void Keeper::exec_emperor(int channel) const {
  ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
  ::fcntl(channel, F_SETFD, 0);
  ::fcntl(lock_.get(), F_SETFD, 0);
  const std::string inheritance = Inheritance{channel, lock_.get()}.argument();
  std::vector<char*> argv{const_cast<char*>("emperor"),
                          const_cast<char*>(inheritance.c_str())};
  for (const auto& argument : setup_.arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(setup_.program.c_str(), argv.data());
  ::_exit(127);
}

int Keeper::run() {
  while (exit_code_ < 0) {
    if (emperor_ < 0 && restart_at_.passed()) {
      if (auto started = start_emperor(); !started) {
        log_.error("keeper: cannot start the emperor: {}", started.error().message());
        restart_at_ = base::Deadline::in(1s);
      }
    }
    wait_for_something();
  }
  return exit_code_;
}

void Keeper::wait_for_something() {
  std::array<pollfd, 2> waits{
      {{signals_.get(), POLLIN, 0},
       {channel_.get(), static_cast<short>(POLLIN | (outgoing_.empty() ? 0 : POLLOUT)),
        0}}};
  int timeout = -1;
  if (emperor_ < 0)
    timeout = static_cast<int>(std::max<int64_t>(
        0, std::chrono::ceil<std::chrono::milliseconds>(restart_at_.at() -
                                                        base::Clock::now())
               .count()));
  if (::poll(waits.data(), waits.size(), timeout) <= 0) return;
  // Messages before deaths: the emperor's last words say whether its end is meant.
  if ((waits[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) on_message();
  if ((waits[1].revents & POLLOUT) != 0) flush();
  if (waits[0].revents != 0) on_signals();
}

void Keeper::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) continue;
    if (info.ssi_signo == SIGHUP)
      queue(verbs::kReload);
    else if (emperor_ >= 0)
      queue(verbs::kStop);
    else
      exit_code_ = 0;  // nobody is there to be told
  }
  reap();
}

void Keeper::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid == emperor_) {
      emperor_ended(base::ExitStatus::from_wait(status));
      continue;
    }
    exits_[std::to_string(pid)] = status;
    queue(verbs::kExited, std::to_string(pid), status);
  }
}

void Keeper::emperor_ended(base::ExitStatus status) {
  emperor_ = -1;
  while (channel_)
    on_message();  // what it said last
  outgoing_.clear();
  if (shutting_down_ || !emperor_up_) {
    exit_code_ = status.kind == base::ExitStatus::Kind::exited ? status.value : 1;
    return;
  }
  if (base::Clock::now() - started_ > 10s) wait_ = 20ms;
  restart_at_ = base::Deadline::in(wait_);
  log_.warn("keeper: the emperor ended reason=\"{}\" restart_in={}ms held={}",
            status.describe(), wait_ / 1ms, held_.size());
  wait_ = std::min<base::Duration>(wait_ * 2, 5s);
}

void Keeper::on_message() {
  std::array<char, 65600> buffer;
  auto received = base::receive_with_fds(channel_.get(), buffer);
  if (!received && received.error().is(std::errc::resource_unavailable_try_again)) {
    if (emperor_ < 0) channel_.reset();
    return;
  }
  if (!received || received->size == 0) {
    channel_.reset();
    return;
  }
  const auto message = wire::decode_message({buffer.data(), received->size});
  if (!message) return;
  const std::string name(message->get("name"));
  if (message->verb == verbs::kHold && received->fds.size() == 1)
    held_[name] = std::move(received->fds.front());
  else if (message->verb == verbs::kRelease)
    held_.erase(name);
  else if (message->verb == verbs::kNoted)
    exits_.erase(name);
  else if (message->verb == verbs::kFetch)
    queue_everything();
  else if (message->verb == verbs::kShutdown)
    shutting_down_ = true;
  else if (message->verb == verbs::kUp && !emperor_up_) {
    emperor_up_ = true;
    tell_systemd("READY=1");
  }
}

void Keeper::queue_everything() {
  outgoing_.clear();
  for (const auto& [name, fd] : held_)
    outgoing_.push_back({verbs::kHeld, name});
  for (const auto& [pid, status] : exits_)
    outgoing_.push_back({verbs::kExited, pid, status});
  outgoing_.push_back({verbs::kHeldEnd, {}});
  flush();
}

void Keeper::queue(std::string verb, std::string name, int status) {
  if (!channel_) return;
  outgoing_.push_back({std::move(verb), std::move(name), status});
  flush();
}

void Keeper::flush() {
  while (!outgoing_.empty()) {
    const Outgoing& next = outgoing_.front();
    wire::Message message{next.verb, {}};
    int fd = -1;
    if (next.verb == verbs::kHeld) {
      const auto held = held_.find(next.name);
      if (held == held_.end()) {
        outgoing_.pop_front();
        continue;
      }
      fd = held->second.get();
    }
    if (next.verb == verbs::kExited)
      message.set("pid", next.name).set("status", static_cast<uint64_t>(next.status));
    else if (!next.name.empty())
      message.set("name", next.name);
    if (!send(message, fd)) return;
    outgoing_.pop_front();
  }
}

bool Keeper::send(const wire::Message& message, int fd) {
  const auto bytes = wire::encode(message);
  if (!bytes) return true;
  const auto sent = base::send_with_fds(channel_.get(), *bytes,
                                        std::span<const int>(&fd, fd >= 0 ? 1 : 0));
  // ETOOMANYREFS: too many descriptors of ours are in flight; the emperor has to take
  // some first.
  if (sent) return true;
  const bool full = sent.error().is(std::errc::resource_unavailable_try_again) ||
                    sent.error().code.value() == ETOOMANYREFS;
  return !full;
}

void Keeper::clean() {
  for (const char* name : {"keeper.pid", "emperor.pid", "lock"})
    ::unlink(path(name).c_str());
}

/// sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET.
void Keeper::tell_systemd(std::string_view state) const {
  const char* address = ::getenv("NOTIFY_SOCKET");
  const size_t length = address == nullptr ? 0 : std::strlen(address);
  if (length == 0 || length >= sizeof(sockaddr_un::sun_path)) return;
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, address, length);
  if (where.sun_path[0] == '@') where.sun_path[0] = '\0';
  const base::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&where), size);
}

}  // namespace

std::string Inheritance::argument() const {
  return std::string(kFlag) + std::to_string(channel) + ":" + std::to_string(lock);
}

bool Inheritance::parse(std::string_view argument, Inheritance* out) {
  if (!argument.starts_with(kFlag)) return false;
  const char* at = argument.data() + kFlag.size();
  const char* end = argument.data() + argument.size();
  const auto take = [&](auto& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next < end ? next + 1 : next;
    return error == std::errc{};
  };
  return take(out->channel) && take(out->lock);
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
