// Processes by pidfd: a pid is never signalled by number once it may have been reused.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace base {

/// How a process ended, from a wait status (wait(2)).
struct ExitStatus {
  enum class Kind { exited, signalled };
  Kind kind = Kind::exited;
  int value = 0;  ///< exit code or signal number

  static ExitStatus from_wait(int wait_status);
  bool success() const { return kind == Kind::exited && value == 0; }
  /// "exit 1", "signal 9 (Killed)"
  std::string describe() const;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

/// A handle on a process that cannot be mistaken for another one (pidfd_open(2)).
class Pidfd {
 public:
  Pidfd() = default;
  Pidfd(pid_t pid, Fd fd) : pid_(pid), fd_(std::move(fd)) {}
  /// For a child of ours, or a process known to be alive.
  static Result<Pidfd> open(pid_t pid);

  pid_t pid() const { return pid_; }
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  /// pidfd_send_signal(2). ESRCH: it has ended.
  Result<> signal(int signal_number) const;
  /// Reaps the child if it has ended; nothing while it runs. ECHILD if it is not our
  /// child.
  Result<std::optional<ExitStatus>> try_wait() const;
  /// True once the process has ended (zombies included), whoever its parent is.
  bool ended() const;
  /// How it ended, whoever is its parent. Nothing while it runs, and, on kernels before
  /// 6.15, once it was reaped.
  std::optional<ExitStatus> ended_how() const;

 private:
  pid_t pid_ = -1;
  Fd fd_;
};

/// Whose pidfd it is, by the kernel: that of `known`, which may have ended; with `known`
/// 0, of whoever it is as long as he lives. 0: of somebody else, or no pidfd.
pid_t pid_behind(int pidfd, pid_t known);

}  // namespace base
