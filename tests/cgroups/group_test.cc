#include "cgroups/group.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/cgroups/support.h"

using namespace cgroups_test;  // NOLINT(google-build-using-namespace)
using cgroups::Limits;
using cgroups::Removal;
using cgroups::Version;

namespace {

// What the file of a limit holds in the group now, "" without the controller.
std::string value_of(const cgroups::Group& group,
                     const std::string& controller,
                     const std::string& v1,
                     const std::string& v2) {
  const cgroups::Hierarchy* h = hierarchy_of(controller);
  if (h == nullptr) return "";
  std::string text =
      content(group.directory(controller) + "/" + (h->version == Version::v1 ? v1 : v2));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string memory_of(const cgroups::Group& group) {
  return value_of(group, "memory", "memory.limit_in_bytes", "memory.max");
}
std::string pids_of(const cgroups::Group& group) {
  return value_of(group, "pids", "pids.max", "pids.max");
}

}  // namespace

TEST_SUITE("cgroups") {
  TEST_CASE("group: limits stand in the controller files, rounded to pages") {
    TestTree tree;
    Limits limits;
    limits.memory_max = 50'000'001;
    limits.pids_max = 33;
    limits.cpu_max_percent = 20;
    limits.cpu_weight = 200;
    auto created = tree->create("alice/site", limits);
    REQUIRE_MESSAGE(created, created.error().message());
    CHECK(created->warnings.empty());
    CHECK(created->group.text().ends_with("/alice~site"));
    CHECK(memory_of(created->group) == "49999872");
    CHECK(pids_of(created->group) == "33");
    if (hierarchy_of("cpu")->version == Version::v1) {
      CHECK(value_of(created->group, "cpu", "cpu.cfs_quota_us", "") == "20000");
      CHECK(value_of(created->group, "cpu", "cpu.shares", "") == "2048");
    } else {
      CHECK(value_of(created->group, "cpu", "", "cpu.max") == "20000 100000");
      CHECK(value_of(created->group, "cpu", "", "cpu.weight") == "200");
    }
  }

  TEST_CASE("group: limits that went from the file go from the group") {
    TestTree tree;
    Limits limits;
    limits.memory_max = 64 << 20;
    limits.pids_max = 10;
    auto created = tree->create("blog", limits);
    REQUIRE(created);
    limits.memory_max.reset();
    limits.pids_max = 20;
    REQUIRE(created->group.set_limits(limits));
    CHECK(memory_of(created->group) != "67108864");
    CHECK(pids_of(created->group) == "20");
  }

  TEST_CASE("group: a limit that cannot be set leaves all others as they were") {
    TestTree tree;
    Limits limits;
    limits.pids_max = 10;
    auto created = tree->create("blog", limits);
    REQUIRE(created);
    limits.pids_max = 20;
    limits.raw = {{"pids.max", "nonsense"}};
    const auto changed = created->group.set_limits(limits);
    REQUIRE_FALSE(changed);
    CHECK(changed.error().message().find("pids.max = nonsense") != std::string::npos);
    CHECK(pids_of(created->group) == "10");
  }

  TEST_CASE("group: a leaf is in every hierarchy, and so is who enters it") {
    TestTree tree;
    auto created = tree->create("blog", {});
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(7);
    CHECK(leaf.text().ends_with("/blog/gen-7"));
    CHECK(created->group.leaves() == std::vector<uint64_t>{7});
    Child child(leaf, sleep_for_ever);
    CHECK(leaf.holds(child.pid()));
    CHECK_FALSE(leaf.holds(::getpid()));
    CHECK(*leaf.processes() == std::vector<pid_t>{child.pid()});
    CHECK(created->group.usage().pids == 1);
  }

  TEST_CASE("group: kill ends everything inside and nothing else") {
    TestTree tree;
    auto created = tree->create("blog", {});
    REQUIRE(created);
    cgroups::Leaf first = *created->group.make_leaf(1);
    cgroups::Leaf second = *created->group.make_leaf(2);
    Child victim(first, [] {
      if (::fork() == 0) ::setsid();  // out of its process group, not out of its cgroup
      sleep_for_ever();
    });
    const Child other(second, sleep_for_ever);
    REQUIRE(eventually([&] { return first.processes()->size() == 2; }));
    REQUIRE(first.kill());
    CHECK(WTERMSIG(victim.wait()) == SIGKILL);
    CHECK(eventually([&] { return *first.kill() == Removal::removed; }));
    CHECK(eventually([&] { return *first.try_remove() == Removal::removed; }));
    CHECK(other.alive());
    CHECK(second.holds(other.pid()));
  }

  TEST_CASE("group: kill ends a fork bomb without a limit of its own") {
    TestTree tree;
    Limits limits;
    limits.pids_max = 100;  // for the sake of the machine, not of kill()
    auto created = tree->create("bomb", limits);
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(1);
    Child bomb(leaf, [] {
      ::signal(SIGCHLD, SIG_IGN);
      for (;;)
        (void)::fork();
    });
    REQUIRE(eventually([&] { return leaf.processes()->size() > 50; }));
    CHECK(eventually([&] { return *leaf.kill() == Removal::removed; }));
    bomb.wait();
    CHECK(eventually([&] { return *leaf.try_remove() == Removal::removed; }));
    CHECK(*created->group.try_remove() == Removal::removed);
  }

  TEST_CASE("group: usage counts memory and CPU of all generations") {
    TestTree tree;
    auto created = tree->create("blog", {});
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(1);
    Child child(leaf, [] {
      std::string memory(8 << 20, 'x');
      for (volatile char& c : memory)
        c = 'y';
      sleep_for_ever();
    });
    if (hierarchy_of("memory") != nullptr)
      CHECK(eventually([&] { return created->group.usage().memory_bytes >= 8 << 20; }));
    CHECK(created->group.usage().cpu_seconds > 0);
    CHECK(created->group.usage().cpu_seconds < 5);
    CHECK(created->group.usage().oom_kills == 0);
  }
}
