#include "cgroups/tree.h"

#include <signal.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/cgroups/support.h"

using namespace cgroups_test;  // NOLINT(google-build-using-namespace)
using cgroups::Limits;
using cgroups::Mode;
using cgroups::Version;

TEST_SUITE("cgroups") {
  TEST_CASE("tree: a create that fails leaves no half of a group") {
    TestTree tree;
    Limits limits;
    limits.memory_max = 64 << 20;
    limits.raw = {{"pids.max", "nonsense"}};
    const auto created = tree->create("half-made", limits);
    REQUIRE_FALSE(created);
    CHECK(created.error().message().find("pids.max") != std::string::npos);
    CHECK(directories_called("half-made").empty());
  }

  TEST_CASE("tree: what v1 cannot limit is a warning, and a refusal under required") {
    const cgroups::Hierarchy* memory = hierarchy_of("memory");
    if (memory == nullptr) return;
    Limits limits;
    limits.memory_high = 64 << 20;
    {
      TestTree tree;
      const auto created = tree->create("high", limits);
      REQUIRE(created);
      CHECK(created->warnings.size() == (memory->version == Version::v1 ? 1 : 0));
    }
    TestTree tree(Mode::required);
    const auto created = tree->create("high", limits);
    CHECK(created.has_value() == (memory->version == Version::v2));
    if (!created) CHECK(directories_called("high").empty());
  }

  TEST_CASE("tree: a group that is there is taken over with its limits renewed") {
    TestTree tree;
    Limits limits;
    limits.pids_max = 10;
    REQUIRE(tree->create("again", limits));
    limits.pids_max = 11;
    const auto again = tree->create("again", limits);
    REQUIRE(again);
    if (hierarchy_of("pids") != nullptr)
      CHECK(content(again->group.directory("pids") + "/pids.max") == "11\n");
  }

  TEST_CASE("tree: what an earlier run left is listed, emptied and removed") {
    TestTree tree;
    auto created = tree->create("left/over", {});
    REQUIRE(created);
    const Child child(*created->group.make_leaf(3), sleep_for_ever);
    CHECK(tree->vassals() == std::vector<std::string>{"left/over"});
    auto group = tree->existing("left/over");
    REQUIRE(group);
    REQUIRE(group->leaves() == std::vector<uint64_t>{3});
    cgroups::Leaf leaf = group->existing_leaf(3);
    CHECK(leaf.holds(child.pid()));
    CHECK(leaf.kill());
    CHECK(eventually([&] { return *leaf.try_remove() == cgroups::Removal::removed; }));
    CHECK(*group->try_remove() == cgroups::Removal::removed);
    CHECK(tree->vassals().empty());
  }

  TEST_CASE("tree: off does nothing, and says what is not limited") {
    TestTree tree(Mode::off);
    CHECK_FALSE(tree->active());
    Limits limits;
    limits.memory_max = 1 << 20;
    auto created = tree->create("free", limits);
    REQUIRE(created);
    CHECK(created->warnings == std::vector<std::string>{"memory-max: cgroups are off"});
    auto leaf = created->group.make_leaf(1);
    REQUIRE(leaf);
    CHECK(leaf->attachment()->lines.empty());
    CHECK(*leaf->kill() == cgroups::Removal::removed);
    CHECK(*leaf->try_remove() == cgroups::Removal::removed);
    CHECK(created->group.usage().memory_bytes == 0);
    CHECK(created->group.text() == "");
  }

  TEST_CASE("tree: v2 hands its controllers on at every level") {
    auto layout = cgroups::read_layout();
    if (!layout || layout->v2() == nullptr || layout->v2()->controllers.empty()) return;
    const std::string mount = layout->v2()->mount_point;
    const std::string top = "/" + root_name() + "-deep";
    {
      TestTree tree(Mode::v2, top + "/er/est");
      auto created = tree->create("blog", {});
      REQUIRE(created);
      cgroups::Leaf leaf = *created->group.make_leaf(1);
      const std::string first =
          cgroups::used_controllers(*layout->v2(), Mode::v2).front();
      for (const std::string level : {"", "/er", "/er/est", "/er/est/blog"}) {
        CAPTURE(level);
        CHECK(content(mount + top + level + "/cgroup.subtree_control").find(first) !=
              std::string::npos);
      }
      Child child(leaf, sleep_for_ever);
      CHECK(leaf.holds(child.pid()));
      CHECK(leaf.attachment()->v2_directory);
      CHECK(leaf.kill());
      CHECK(child.wait() == SIGKILL);
    }
    ::rmdir((mount + top + "/er").c_str());
    ::rmdir((mount + top).c_str());
    CHECK(content(mount + top + "/cgroup.procs") == "");
  }

  TEST_CASE("tree: a root that climbs out is refused") {
    for (const std::string root : {"/", "/a/../b", "//"}) {
      CAPTURE(root);
      cgroups::Options options;
      options.root = root;
      CHECK_FALSE(cgroups::Tree::open(options));
    }
  }

  TEST_CASE("tree: emperors of different run directories do not share groups") {
    CHECK(cgroups::root_name_for("/run/imperium") == "imperium");
    CHECK(cgroups::root_name_for("/run/imperium/") == "imperium");
    CHECK(cgroups::root_name_for("/tmp/a") != cgroups::root_name_for("/tmp/b"));
    CHECK(cgroups::root_name_for("/tmp/a") == cgroups::root_name_for("/tmp/a/"));
  }
}
