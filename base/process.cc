#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/files.h"

namespace base {

namespace {

// linux/pidfd.h of 6.15, which the headers of older systems lack.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup;
  std::array<uint32_t, 11> ids;
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kInfoExit = 1 << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

/// The wait status of a process that nobody has reaped yet (proc(5): state, exit_code).
std::optional<int> status_of_zombie(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  const size_t name = stat ? stat->rfind(") ") : std::string::npos;
  if (name == std::string::npos || stat->compare(name, 3, ") Z") != 0) return {};
  const size_t last = stat->find_last_of(' ');
  return static_cast<int>(std::strtol(stat->c_str() + last, nullptr, 10));
}

}  // namespace

ExitStatus ExitStatus::from_wait(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {Kind::signalled, WTERMSIG(wait_status)};
  return {Kind::exited, WEXITSTATUS(wait_status)};
}

std::string ExitStatus::describe() const {
  if (kind == Kind::exited) return "exit " + std::to_string(value);
  const char* name = ::sigdescr_np(value);
  return "signal " + std::to_string(value) + " (" + (name != nullptr ? name : "unknown") +
         ")";
}

Result<Pidfd> Pidfd::open(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return fail_errno("pidfd_open " + std::to_string(pid));
  return Pidfd(pid, Fd(static_cast<int>(fd)));
}

Result<> Pidfd::signal(int signal_number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal_number, nullptr, 0) != 0)
    return fail_errno("signal " + std::to_string(signal_number) + " to pid " +
                      std::to_string(pid_));
  return {};
}

Result<std::optional<ExitStatus>> Pidfd::try_wait() const {
  siginfo_t info{};
  const auto id = static_cast<id_t>(fd_.get());
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0) {
    if (errno == EAGAIN) return std::nullopt;  // a pidfd that libuv made non-blocking
    return fail_errno("waitid " + std::to_string(pid_));
  }
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED)
    return ExitStatus{ExitStatus::Kind::exited, info.si_status};
  return ExitStatus{ExitStatus::Kind::signalled, info.si_status};
}

bool Pidfd::ended() const {
  pollfd p{fd_.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

std::optional<ExitStatus> Pidfd::ended_how() const {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (::ioctl(fd_.get(), kGetInfo, &info) == 0 && (info.mask & kInfoExit) != 0)
    return ExitStatus::from_wait(info.exit_code);
  const auto status = status_of_zombie(pid_);
  // Of this process, not of a later one of the same number: ours is still there to
  // signal.
  if (!status || !signal(0)) return std::nullopt;
  return ExitStatus::from_wait(*status);
}

pid_t pid_behind(int pidfd, pid_t known) {
  if (pidfd < 0) return 0;
  const auto info = read_file("/proc/self/fdinfo/" + std::to_string(pidfd), 4096);
  const size_t at = info ? info->find("\nPid:") : std::string::npos;
  if (at == std::string::npos) return 0;
  const auto pid = static_cast<pid_t>(std::strtol(info->c_str() + at + 5, nullptr, 10));
  if (pid <= 0) return known;  // ended and reaped
  return known == 0 || pid == known ? pid : 0;
}

}  // namespace base
