#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace base {

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

}  // namespace base
