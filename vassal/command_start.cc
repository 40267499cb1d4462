#include "vassal/command_start.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/fd.h"

namespace vassal {

namespace {

/// Above every target, so that no source is overwritten before it was used.
constexpr int kAside = 200;

/// Standard input is /dev/null unless the plan says otherwise.
bool place_descriptors(const CommandPlan& plan) {
  std::vector<int> aside;
  for (const auto& [source, target] : plan.fds) {
    // inetd's children and their like accept without asking first
    if (!base::set_blocking(source, base::Blocking::yes)) return false;
    aside.push_back(::fcntl(source, F_DUPFD_CLOEXEC, kAside));
    if (aside.back() < 0) return false;
  }
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) return false;
  if (null > STDERR_FILENO) ::close(null);
  for (size_t i = 0; i < aside.size(); ++i)
    if (::dup2(aside[i], plan.fds[i].target) < 0) return false;
  return true;
}

[[noreturn]] void become_command(const CommandPlan& plan, const MasterSignals& outside) {
  ::setpgid(0, 0);
  outside.give_back();
  ::signal(SIGPIPE, SIG_DFL);
  if (!place_descriptors(plan)) ::_exit(126);
  for (const auto& key : plan.unenv)
    ::unsetenv(key.c_str());
  for (const auto& [key, value] : plan.env)
    ::setenv(key.c_str(), value.c_str(), 1);
  if (::getenv("LISTEN_FDS") != nullptr)
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  std::vector<char*> argv;
  argv.reserve(plan.argv.size() + 1);
  for (const auto& word : plan.argv)
    argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

}  // namespace

base::Result<pid_t> start_command(const CommandPlan& plan, const MasterSignals& outside) {
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_errno("fork of the command");
  if (pid == 0) become_command(plan, outside);
  ::setpgid(pid, pid);  // whoever of the two comes first
  return pid;
}

}  // namespace vassal
