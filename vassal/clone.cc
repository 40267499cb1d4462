#include "vassal/clone.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace vassal {

namespace {

constexpr uint64_t kAllSignals = ~uint64_t{0};

// The system call, because sigprocmask(3) leaves out the two signals that glibc keeps for
// itself.
void set_mask(const uint64_t* mask, uint64_t* old) {
  (void)::syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, sizeof(uint64_t));
}

}  // namespace

base::Result<base::Pidfd> clone_child(Parent parent,
                                      int v2_directory,
                                      ChildFunction run,
                                      void* argument) {
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  if (parent == Parent::ours) {
    args.flags |= CLONE_PARENT;  // the exit signal is then that of our own start, and
                                 // must be 0 here
  } else {
    args.exit_signal = SIGCHLD;
  }
  if (v2_directory >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(v2_directory);
  }
  // A signal that hits the child first would run the parent's handler, which writes into
  // libuv's pipe.
  uint64_t mask = 0;
  set_mask(&kAllSignals, &mask);
  const long pid = ::syscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) {
    run(argument);
    ::_exit(127);
  }
  const int error = errno;
  set_mask(&mask, nullptr);
  if (pid < 0) return base::fail(error, "clone3");
  return base::Pidfd(static_cast<pid_t>(pid), base::Fd(pidfd));
}

namespace raw {

int reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    (void)::sigaction(signal, &standard,
                      nullptr);  // SIGKILL, SIGSTOP and glibc's two refuse
  constexpr uint64_t kNone = 0;
  set_mask(&kNone, nullptr);
  return 0;
}

}  // namespace raw

}  // namespace vassal
