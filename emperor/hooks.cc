#include "emperor/hooks.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "base/uv/poll.h"
#include "vassal/clone.h"

namespace emperor {

namespace {

constexpr char kPath[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Exec {
  std::vector<char*> argv;
  std::vector<char*> envp;
};

/// In the child: system calls only. Everything of the emperor's is close-on-exec.
void become_shell(void* argument) {
  const auto* exec = static_cast<const Exec*>(argument);
  (void)vassal::raw::reset_signals();
  ::setsid();
  ::execve(exec->argv.front(), exec->argv.data(), exec->envp.data());
}

base::Result<base::Pidfd> start(const HookCommand& hook) {
  std::vector<std::string> words = {"/bin/sh", "-c", hook.command};
  std::vector<std::string> variables = {kPath};
  for (const auto& [name, value] : hook.environment)
    variables.emplace_back(name).append("=").append(value);
  Exec exec;
  for (auto& word : words)
    exec.argv.push_back(word.data());
  for (auto& variable : variables)
    exec.envp.push_back(variable.data());
  exec.argv.push_back(nullptr);
  exec.envp.push_back(nullptr);
  return vassal::clone_child(vassal::Parent::us, -1, become_shell, &exec);
}

}  // namespace

uvx::Task<base::Result<>> run_hook(uvx::Loop& loop,
                                   HookCommand hook,
                                   base::Duration patience) {
  const std::string what = base::printable(hook.written, 300);
  const auto child = start(hook);
  if (!child) co_return base::wrap(child.error(), what);
  uvx::Poll poll(loop, child->fd());
  const auto deadline = base::Deadline::in(patience);
  for (bool killed = false;;) {
    const auto woken =
        co_await poll.readable(killed ? base::Deadline::never() : deadline);
    const auto waited = child->try_wait();
    if (!waited) co_return base::wrap(waited.error(), what);
    if (const auto& status = waited.value()) {
      if (killed) co_return base::fail(what + ": not done within hook-timeout");
      if (!status->success()) co_return base::fail(what + ": " + status->describe());
      co_return base::Result<>{};
    }
    if (woken) continue;
    (void)::kill(-child->pid(), SIGKILL);
    killed = true;
  }
}

}  // namespace emperor
