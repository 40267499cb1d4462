// Text fixtures of real machines: a v1 one, a pure v2 one, systemd's hybrid, and
// containers.
#include "cgroups/hierarchy.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace cgroups;  // NOLINT(google-build-using-namespace): the test is about this
                          // namespace

namespace {

constexpr char kV1Cgroup[] =
    "12:name=systemd:/\n"
    "8:pids:/\n"
    "4:memory:/session/42\n"
    "2:cpu,cpuacct:/\n"
    "0::/\n";
constexpr char kV1Mounts[] =
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:10 master:2 - cgroup cgroup "
    "rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup "
    "rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

constexpr char kV2Cgroup[] = "0::/system.slice/emperor.service\n";
constexpr char kV2Mounts[] =
    "29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 "
    "rw,nsdelegate\n";

std::vector<std::string> names(const Layout& layout, Mode mode) {
  std::vector<std::string> out;
  for (const Hierarchy& h : allowed_by(layout, mode))
    for (const std::string& c : used_controllers(h, mode))
      out.push_back(c);
  std::ranges::sort(out);
  return out;
}

}  // namespace

TEST_SUITE("cgroups") {
  TEST_CASE("hierarchy: v1 has a mount per controller or several in one") {
    const Layout layout = parse_layout(kV1Cgroup, kV1Mounts);
    REQUIRE(layout.of("memory") != nullptr);
    CHECK(layout.of("memory")->mount_point == "/sys/fs/cgroup/memory");
    CHECK(layout.of("memory")->own_path == "/session/42");
    CHECK(layout.of("memory")->version == Version::v1);
    CHECK(layout.of("cpu") == layout.of("cpuacct"));
    CHECK(layout.of("blkio") == nullptr);
    CHECK(layout.of("name=systemd") == nullptr);
    CHECK(layout.hierarchies.size() == 4);
  }

  TEST_CASE("hierarchy: the line of /proc/PID/cgroup that proves a membership") {
    const Layout layout = parse_layout(kV1Cgroup, kV1Mounts);
    CHECK(layout.of("memory")->line_of("/session/42/imperium/blog/gen-1") ==
          "4:memory:/session/42/imperium/blog/gen-1");
    CHECK(layout.of("cpu")->line_of("/imperium") == "2:cpu,cpuacct:/imperium");
  }

  TEST_CASE("hierarchy: pure v2") {
    Layout layout = parse_layout(kV2Cgroup, kV2Mounts);
    REQUIRE(layout.v2() != nullptr);
    layout.v2()->controllers =
        parse_controllers("cpuset cpu io memory hugetlb pids rdma misc\n");
    CHECK(layout.of("memory")->version == Version::v2);
    CHECK(layout.of("memory")->own_path == "/system.slice/emperor.service");
    CHECK(layout.v2()->line_of("/system.slice/emperor.service/imperium/a/gen-1") ==
          "0::/system.slice/emperor.service/imperium/a/gen-1");
    CHECK(names(layout, Mode::automatic) ==
          std::vector<std::string>{"cpu", "memory", "pids"});
    CHECK(names(layout, Mode::v1).empty());
  }

  TEST_CASE("hierarchy: a hybrid uses each controller where it is") {
    Layout layout = parse_layout(kV1Cgroup, kV1Mounts);
    layout.v2()->controllers = parse_controllers("hugetlb\n");
    CHECK(names(layout, Mode::automatic) ==
          std::vector<std::string>{"cpu", "cpuacct", "memory", "pids"});
    CHECK(names(layout, Mode::required) == names(layout, Mode::automatic));
    CHECK(names(layout, Mode::v1) == names(layout, Mode::automatic));
    CHECK(names(layout, Mode::v2) == std::vector<std::string>{"hugetlb"});
    CHECK(names(layout, Mode::off).empty());
  }

  TEST_CASE("hierarchy: systemd's empty v2 mount of a hybrid is not used") {
    Layout layout = parse_layout(kV1Cgroup, kV1Mounts);
    layout.v2()->controllers = parse_controllers("\n");
    CHECK(used_controllers(*layout.v2(), Mode::v2).empty());
  }

  TEST_CASE("hierarchy: an emperor that moved into its leaf still owns the group above") {
    const Layout layout =
        parse_layout("0::/system.slice/emperor.service/supervisor\n", kV2Mounts);
    CHECK(layout.hierarchies[0].own_path == "/system.slice/emperor.service");
  }

  TEST_CASE("hierarchy: a container that sees the host's paths") {
    const Layout layout = parse_layout("4:memory:/docker/abc/x\n",
                                       "50 49 0:32 /docker/abc /sys/fs/cgroup/memory ro "
                                       "master:17 - cgroup cgroup rw,memory\n");
    REQUIRE(layout.hierarchies.size() == 1);
    CHECK(layout.hierarchies[0].own_path == "/x");
    CHECK(layout.hierarchies[0].line_of("/x/imperium") ==
          "4:memory:/docker/abc/x/imperium");
  }

  TEST_CASE("hierarchy: a process outside its cgroup namespace stands at the top") {
    const Layout layout = parse_layout("0::/../other\n", kV2Mounts);
    CHECK(layout.hierarchies[0].own_path == "/");
  }

  TEST_CASE("hierarchy: a mount point with a space") {
    const Layout layout =
        parse_layout("0::/\n", "29 22 0:26 / /mnt/my\\040cgroups rw - cgroup2 none rw\n");
    CHECK(layout.hierarchies[0].mount_point == "/mnt/my cgroups");
  }

  TEST_CASE("hierarchy: garbage is no hierarchy") {
    CHECK(parse_layout("", "").hierarchies.empty());
    CHECK(parse_layout("::\nx\n1:\n", kV1Mounts).hierarchies.empty());
    CHECK(parse_layout(kV1Cgroup, "1 2 3\n- - -\n").hierarchies.empty());
  }

  TEST_CASE("hierarchy: the modes an operator can write") {
    CHECK(*parse_mode("auto") == Mode::automatic);
    CHECK(*parse_mode("v1") == Mode::v1);
    CHECK(*parse_mode("v2") == Mode::v2);
    CHECK(*parse_mode("off") == Mode::off);
    CHECK(*parse_mode("required") == Mode::required);
    CHECK_FALSE(parse_mode("yes"));
  }
}
