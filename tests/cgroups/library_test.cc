// libcgroup 2.0.2 as it is: each trap that library.cc works around, on the real kernel.
#include "cgroups/library.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/cgroups/support.h"

using namespace cgroups_test;  // NOLINT(google-build-using-namespace)
namespace library = cgroups::library;

namespace {

// The tree's root as libcgroup names it in the hierarchy of `pids`.
std::string root_of_pids(TestTree& tree) {
  const std::string group = tree->create("probe", {})->group.directory("pids");
  const std::string mount = hierarchy_of("pids")->mount_point;
  return group.substr(mount.size(), group.rfind('/') - mount.size());
}

}  // namespace

TEST_SUITE("cgroups") {
  TEST_CASE("library: removing a busy group says busy and moves nobody up") {
    TestTree tree;
    auto created = tree->create("busy", {});
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(1);
    const Child child(leaf, sleep_for_ever);
    const auto removed = leaf.try_remove();
    REQUIRE(removed);
    CHECK(*removed == cgroups::Removal::populated);
    CHECK(leaf.holds(child.pid()));
    CHECK(*created->group.try_remove() == cgroups::Removal::populated);
  }

  TEST_CASE(
      "library: a group whose name is taken by a file of the kernel's is an error") {
    TestTree tree;
    if (hierarchy_of("pids") == nullptr) return;
    const std::string controllers[] = {"pids"};
    const std::string root = root_of_pids(tree);
    CHECK_FALSE(library::make(root + "/cgroup.procs", controllers));
  }

  TEST_CASE("library: an error names the file and says why") {
    TestTree tree;
    if (hierarchy_of("pids") == nullptr) return;
    const std::string root = root_of_pids(tree);
    const auto bad = library::write(root, "pids", "pids.max", "many");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().message().find("pids.max = many: Invalid argument") !=
          std::string::npos);
    const auto missing = library::write(root, "pids", "pids.nonsense", "1");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().is(std::errc::no_such_file_or_directory));
    CHECK(library::read(root, "pids", "pids.nonsense")
              .error()
              .is(std::errc::no_such_file_or_directory));
  }

  TEST_CASE("library: removing what is gone is fine") {
    TestTree tree;
    if (hierarchy_of("pids") == nullptr) return;
    CHECK(library::remove(root_of_pids(tree) + "/never", "pids"));
  }
}
