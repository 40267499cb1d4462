// How a keeper comes to its place, and how it starts emperors.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/wire/keeper.h"
#include "emperor/keeper.h"
#include "emperor/keeper_takeover.h"

namespace emperor {

using namespace std::chrono_literals;

namespace {

constexpr rlim_t kMostDescriptors = 1 << 20;

/// Raises the soft limit so that thousands of vassals fit.
void raise_nofile() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kMostDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

base::Result<> Keeper::prepare() {
  std::error_code error;
  std::filesystem::create_directories(setup_.run_dir, error);
  if (error) return base::fail(error.value(), "create run-dir " + setup_.run_dir);
  raise_nofile();
  good_ = base::Fd(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
  if (!good_) return base::fail_errno("open /proc/self/exe");
  TRY(take_place());
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (auto written = base::write_file(path("keeper.pid"), pid); !written)
    log_.warn("keeper: {}", written.error().message());  // a full disk ends nobody
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return base::fail_errno("become subreaper");
  if (notify_.watchdog()) watch_at_ = base::Deadline(base::Clock::now());
  return take_signals();
}

base::Result<> Keeper::take_place() {
  if (setup_.heritage.role == Heritage::Role::keeper) {
    lock_ = base::Fd(setup_.heritage.lock);
    return take_over(base::Fd(setup_.heritage.channel));
  }
  TRY(lock_directory());
  keep_what_the_manager_kept();
  return {};
}

/// The lock is shared by keeper and emperor. Where it is taken, one of the two lives:
/// only the emperor, or both, which it knows.
base::Result<> Keeper::lock_directory() {
  lock_ = base::Fd(
      ::open(path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock_) return base::fail_errno("open " + path("lock"));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  const auto who = base::read_file(path("keeper.pid"), 64);
  const std::string in_use = setup_.run_dir +
                             " is in use by another emperor (keeper pid " +
                             (who ? who->substr(0, who->find('\n')) : "unknown") + ")";
  for (const auto deadline = base::Deadline::in(5s);;) {
    auto channel = ask_to_take_over(setup_.run_dir);
    if (!channel) return base::fail(in_use);
    auto taken = take_over(*std::move(channel));
    if (taken) return {};
    // An emperor that leaves its place to another says nothing: the other one will.
    const bool left = taken.error().is(std::errc::broken_pipe) ||
                      taken.error().is(std::errc::connection_reset);
    if (!left || deadline.passed())
      return base::fail(in_use + ": " + taken.error().message());
    held_ = {};  // it may have handed over a part
    std::this_thread::sleep_for(20ms);
  }
}

base::Result<> Keeper::take_over(base::Fd channel) {
  TRY_ASSIGN(const pid_t pid, take_everything(channel.get(), &held_));
  TRY_ASSIGN(auto process, base::Pidfd::open(pid));
  if (auto lock = held_.take(wire::keeper::kLockName)) lock_ = std::move(lock);
  emperor_.emplace(std::move(process), std::move(channel), Seat::Kin::stranger);
  emperor_up_ = true;
  for (const auto& [name, fd] : from_service_manager())
    store_.release(name);  // the emperor knows better than the last keeper
  for (const auto& [name, fd] : held_.all())
    store_.hold(name, fd.get());
  notify_.say("READY=1\nSTATUS=up\nMAINPID=" + std::to_string(::getpid()));
  log_.info("keeper: in the place of one that died emperor={} held={}", pid,
            held_.all().size());
  return {};
}

/// Both of the last pair are gone, and its vassals may live.
void Keeper::keep_what_the_manager_kept() {
  const Held kept = from_service_manager();
  for (const auto& [name, fd] : kept)
    held_.hold(name, fd.get());
  if (!kept.empty())
    log_.info("keeper: the service manager kept descriptors={}", kept.size());
}

base::Result<> Keeper::take_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int s : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2, SIGCHLD})
    sigaddset(&wanted, s);
  ::sigprocmask(SIG_BLOCK, &wanted, &original_mask_);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = base::Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return base::fail_errno("signalfd");
  return {};
}

base::Result<Seat> Keeper::start(Heritage::Role role, Binary binary) {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  Heritage heritage = setup_.heritage;
  heritage.role = role;
  heritage.stand_in = setup_.heritage.role == Heritage::Role::keeper;
  heritage.channel = pair.second.get();
  heritage.lock = lock_.get();
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_errno("fork the emperor");
  if (pid == 0) exec(heritage, binary);
  TRY_ASSIGN(auto process, base::Pidfd::open(pid));
  return Seat(std::move(process), std::move(pair.first), Seat::Kin::child);
}

void Keeper::exec(const Heritage& heritage, Binary binary) const {
  ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
  ::fcntl(heritage.channel, F_SETFD, 0);
  ::fcntl(heritage.lock, F_SETFD, 0);
  const std::string inheritance = heritage.argument();
  std::vector<char*> argv{const_cast<char*>("emperor"),
                          const_cast<char*>(inheritance.c_str())};
  for (const auto& argument : setup_.heritage.arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (binary == Binary::installed)
    ::execv(setup_.heritage.installed.c_str(), argv.data());
  else
    ::execveat(good_.get(), "", argv.data(), environ, AT_EMPTY_PATH);
  ::_exit(127);
}

void Keeper::start_emperor() {
  auto seat = start(Heritage::Role::emperor, Binary::good);
  if (!seat) {
    log_.error("keeper: cannot start the emperor: {}", seat.error().message());
    restart_at_ = base::Deadline::in(1s);
    return;
  }
  emperor_ = *std::move(seat);
  started_ = heard_ = base::Clock::now();
  up_ = false;
  restart_at_ = {};
  (void)base::write_file(path("emperor.pid"), std::to_string(emperor_->pid()) + "\n");
}

/// What runs is what is started again, whatever lies where it was installed by then.
void Keeper::remember_good_binary(pid_t pid) {
  const std::string exe = "/proc/" + std::to_string(pid) + "/exe";
  if (base::Fd now{::open(exe.c_str(), O_PATH | O_CLOEXEC)}) good_ = std::move(now);
}

void Keeper::clean() {
  // Not the lock: two that come at once would each lock another file.
  for (const char* name : {"keeper.pid", "emperor.pid"})
    ::unlink(path(name).c_str());
}

}  // namespace emperor
