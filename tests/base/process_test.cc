// Processes by pidfd.
#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace {

pid_t child_that_waits() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;)
      ::pause();
  }
  return pid;
}

void wait_until_ended(const base::Pidfd& process) {
  pollfd p{process.fd(), POLLIN, 0};
  REQUIRE(::poll(&p, 1, 5000) == 1);
}

}  // namespace

TEST_SUITE("base") {
  TEST_CASE("process: a signal ends it, its status says which") {
    const pid_t pid = child_that_waits();
    const auto process = base::Pidfd::open(pid);
    REQUIRE(process);
    CHECK_FALSE(process->ended());
    CHECK_FALSE(process->try_wait().value().has_value());
    REQUIRE(process->signal(SIGKILL));
    wait_until_ended(*process);
    CHECK(process->ended());
    const auto status = process->try_wait().value();
    REQUIRE(status);
    CHECK(status->describe() == "signal 9 (Killed)");
    const auto gone = process->signal(SIGTERM);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().is(std::errc::no_such_process));
  }

  TEST_CASE("process: how it ended is known without being its parent's") {
    const pid_t pid = child_that_waits();
    const auto process = base::Pidfd::open(pid);
    REQUIRE(process);
    CHECK_FALSE(process->ended_how());
    REQUIRE(process->signal(SIGKILL));
    wait_until_ended(*process);
    const auto as_zombie = process->ended_how();
    REQUIRE(as_zombie);
    CHECK(as_zombie->describe() == "signal 9 (Killed)");
    REQUIRE(process->try_wait());
    // Kernels since 6.15 know it even now.
    if (const auto reaped = process->ended_how())
      CHECK(reaped->describe() == "signal 9 (Killed)");
  }
  TEST_CASE("process: a pidfd that was handed on is believed only about its own") {
    const pid_t pid = child_that_waits();
    const auto process = base::Pidfd::open(pid);
    REQUIRE(process);
    CHECK(base::pid_behind(process->fd(), 0) == pid);
    CHECK(base::pid_behind(process->fd(), pid) == pid);
    CHECK(base::pid_behind(process->fd(), ::getpid()) == 0);
    CHECK(base::pid_behind(-1, pid) == 0);
    CHECK(base::pid_behind(STDIN_FILENO, pid) == 0);
    REQUIRE(process->signal(SIGKILL));
    wait_until_ended(*process);
    REQUIRE(process->try_wait().value());
    CHECK(base::pid_behind(process->fd(), pid) == pid);
    CHECK(base::pid_behind(process->fd(), 0) == 0);
  }

  TEST_CASE("process: an exit code is told apart from a signal") {
    CHECK(base::ExitStatus::from_wait(22 << 8).describe() == "exit 22");
    CHECK(base::ExitStatus::from_wait(0).success());
    CHECK_FALSE(base::ExitStatus::from_wait(SIGTERM).success());
  }
}
