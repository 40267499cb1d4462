// The running half of hooks.h.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "vassal/hooks.h"
#include "vassal/journal.h"

namespace vassal {

namespace {

/// How often something that is waited for is looked for.
constexpr auto kLook = std::chrono::milliseconds(50);

[[noreturn]] void become_shell(const std::string& command) {
  ::setpgid(0, 0);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  ::_exit(127);
}

base::Result<> execute(const std::string& command, base::Deadline deadline) {
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_errno("fork");
  if (pid == 0) become_shell(command);
  ::setpgid(pid, pid);
  TRY_ASSIGN(const auto process, base::Pidfd::open(pid));
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - base::Clock::now());
    pollfd ended{process.fd(), POLLIN, 0};
    const auto wait = std::max<decltype(left)>(left, std::chrono::milliseconds(0));
    const int n = ::poll(&ended, 1, static_cast<int>(wait.count()));
    TRY_ASSIGN(const auto status, process.try_wait());
    if (status && status->success()) return {};
    if (status) return base::fail(status->describe());
    if (n > 0 || !deadline.passed()) continue;
    ::kill(-pid, SIGKILL);
    pollfd killed{process.fd(), POLLIN, 0};
    ::poll(&killed, 1, -1);
    (void)process.try_wait();
    return base::fail("not done within hook-timeout");
  }
}

/// "file the rest": the two halves.
std::pair<std::string, std::string> split(const std::string& text) {
  const size_t space = std::min(text.find(' '), text.size());
  return {text.substr(0, space), text.substr(std::min(space + 1, text.size()))};
}

base::Result<> write_text(const std::string& argument, int flags) {
  const auto [path, text] = split(argument);
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666));
  if (!file) return base::fail_errno("open " + path);
  return base::write_all(file.get(), text);
}

base::Result<> change_mode(const std::string& argument) {
  const auto [path, mode] = split(argument);
  char* end = nullptr;
  const auto bits = static_cast<mode_t>(std::strtoul(mode.c_str(), &end, 8));
  if (mode.empty() || *end != '\0') return base::fail("'" + mode + "' is no mode");
  return ::chmod(path.c_str(), bits) == 0 ? base::Result<>{} : base::fail_errno(path);
}

base::Result<> set_variable(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == argument.npos) return base::fail("write putenv:NAME=value");
  ::setenv(argument.substr(0, equals).c_str(), argument.c_str() + equals + 1, 1);
  return {};
}

bool is_there(const std::string& action, const std::string& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return false;
  if (action == "wait_for_file") return S_ISREG(file.st_mode);
  if (action == "wait_for_dir") return S_ISDIR(file.st_mode);
  return action == "wait_for_fs" || S_ISSOCK(file.st_mode);
}

base::Result<> wait_for(const Hook& hook, base::Deadline deadline) {
  while (!is_there(hook.action, hook.argument)) {
    if (deadline.passed()) return base::fail("not there within hook-timeout");
    ::poll(nullptr, 0, static_cast<int>(kLook.count()));
  }
  return {};
}

base::Result<> done(int result, const std::string& what) {
  return result == 0 ? base::Result<>{} : base::fail_errno(what);
}

base::Result<> act(const Hook& hook, base::Deadline deadline) {
  const std::string& argument = hook.argument;
  const std::string& action = hook.action;
  if (action == "exec") return execute(argument, deadline);
  if (action == "cd" || action == "chdir")
    return done(::chdir(argument.c_str()), argument);
  if (action == "mkdir")  // a second start finds it there
    return done(::mkdir(argument.c_str(), 0777) == 0 || errno == EEXIST ? 0 : -1,
                argument);
  if (action == "putenv") return set_variable(argument);
  if (action == "chmod") return change_mode(argument);
  if (action == "create") return write_text(split(argument).first, 0);
  if (action == "write") return write_text(argument, O_TRUNC);
  if (action == "append") return write_text(argument, O_APPEND);
  if (action == "unlink") return done(::unlink(argument.c_str()), argument);
  if (action == "exit") return base::fail("the hook ends the vassal");
  if (action.starts_with("wait_for_")) return wait_for(hook, deadline);
  if (action == "safeexec") {
    if (const auto ran = execute(argument, deadline); !ran)
      say(Level::warn, base::printable(hook.written, 300) + ": " + ran.error().message());
    return {};
  }
  say(Level::info, base::printable(argument, 1000));  // print, log
  return {};
}

}  // namespace

base::Result<> run_hooks(const VassalConfig& config, HookPhase phase) {
  for (const bool exec : {false, true})
    for (const Hook& hook : config.hooks) {
      if (hook.phase != phase || hook.written.starts_with("exec-") != exec) continue;
      if (const auto ran = act(hook, base::Deadline::in(config.hook_timeout)); !ran)
        return base::wrap(ran.error(), base::printable(hook.written, 300));
    }
  return {};
}

}  // namespace vassal
