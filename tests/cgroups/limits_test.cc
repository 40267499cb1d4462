// What the limits do to a tenant that wants more, and do not do to its neighbour.
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include <doctest/doctest.h>

#include "tests/cgroups/support.h"

using namespace cgroups_test;  // NOLINT(google-build-using-namespace)
using cgroups::Limits;

namespace {

void touch(size_t bytes) {
  void* memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, bytes);
}

}  // namespace

TEST_SUITE("cgroups") {
  TEST_CASE("limits: who allocates beyond memory-max dies alone and is counted") {
    if (hierarchy_of("memory") == nullptr) return;
    TestTree tree;
    Limits limits;
    limits.memory_max = 16 << 20;
    auto greedy = tree->create("greedy", limits);
    auto modest = tree->create("modest", limits);
    REQUIRE(greedy);
    REQUIRE(modest);
    cgroups::Leaf leaf = *greedy->group.make_leaf(1);
    const Child neighbour(*modest->group.make_leaf(1), sleep_for_ever);
    Child eater(leaf, [] { touch(256 << 20); });
    const int status = eater.wait();
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    CHECK(neighbour.alive());
    CHECK(greedy->group.usage().oom_kills == 1);
    CHECK(modest->group.usage().oom_kills == 0);

    // Its leaf goes, the count stays, however often the removal had to be tried.
    greedy->group.keep_counts_of(leaf);
    greedy->group.keep_counts_of(leaf);
    CHECK(greedy->group.usage().oom_kills == 1);
    REQUIRE(eventually([&] { return *leaf.try_remove() == cgroups::Removal::removed; }));
    CHECK(greedy->group.usage().oom_kills == 1);
    cgroups::Leaf next = *greedy->group.make_leaf(2);
    greedy->group.keep_counts_of(next);
    greedy->group.keep_counts_of(next);
    CHECK(greedy->group.usage().oom_kills == 1);
    REQUIRE(next.try_remove());
    CHECK(greedy->group.usage().oom_kills == 1);
  }

  TEST_CASE("limits: cpu-max = 20% holds a busy loop") {
    if (hierarchy_of("cpu") == nullptr) return;
    TestTree tree;
    Limits limits;
    limits.cpu_max_percent = 20;
    auto created = tree->create("busy", limits);
    REQUIRE(created);
    const Child loop(*created->group.make_leaf(1), [] {
      for (volatile unsigned i = 0;; i = i + 1) {
      }
    });
    const auto seconds = [](auto d) {
      return std::chrono::duration<double>(d).count();
    };
    REQUIRE(eventually([&] { return created->group.usage().cpu_seconds > 0.02; }));
    const double cpu_before = created->group.usage().cpu_seconds;
    const auto before = std::chrono::steady_clock::now();
    REQUIRE(eventually([&] {
      return std::chrono::steady_clock::now() - before > std::chrono::seconds(2);
    }));
    const double used = created->group.usage().cpu_seconds - cpu_before;
    const double share = used / seconds(std::chrono::steady_clock::now() - before);
    CAPTURE(share);
    CHECK(share < 0.25);
    CHECK(share > 0.02);  // how near it comes to 20% depends on who else is busy here
  }

  TEST_CASE("limits: a fork bomb stops at pids-max") {
    if (hierarchy_of("pids") == nullptr) return;
    TestTree tree;
    Limits limits;
    limits.pids_max = 12;
    auto created = tree->create("bomb", limits);
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(1);
    Child bomb(leaf, [] {
      int children = 0;
      for (; children < 100; ++children) {
        const pid_t pid = ::fork();
        if (pid == 0) sleep_for_ever();
        if (pid < 0) ::_exit(errno == EAGAIN ? children : 101);
      }
      ::_exit(100);
    });
    CHECK(WEXITSTATUS(bomb.wait()) == 11);  // itself is the twelfth
    CHECK(eventually([&] { return *leaf.kill() == cgroups::Removal::removed; }));
  }
}
