#include "vassal/master_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace vassal {

namespace {

/// Runs in a thread of the application. The main thread's id is the process's; there the
/// signal is blocked, so it waits for the signalfd.
void pass_to_main_thread(int signal) {
  const int saved = errno;
  ::tgkill(::getpid(), ::getpid(), signal);
  errno = saved;
}

}  // namespace

base::Result<base::Fd> MasterSignals::take() {
  sigset_t handled;
  ::sigemptyset(&handled);
  for (const int signal : kSignals)
    ::sigaddset(&handled, signal);
  ::sigprocmask(SIG_BLOCK, &handled, &mask_);
  struct sigaction action{};
  action.sa_handler = pass_to_main_thread;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &action, &actions_[i]);
  base::Fd fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return base::fail_errno("signalfd");
  return fd;
}

void MasterSignals::give_back() const {
  for (size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &actions_[i], nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

}  // namespace vassal
