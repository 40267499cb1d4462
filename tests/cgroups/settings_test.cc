#include "cgroups/settings.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace cgroups;  // NOLINT(google-build-using-namespace): the test is about this
                          // namespace

namespace {

const Controllers kV1 = {
    {"memory", Version::v1}, {"cpu", Version::v1}, {"pids", Version::v1}};
const Controllers kV2 = {
    {"memory", Version::v2}, {"cpu", Version::v2}, {"pids", Version::v2}};

Limits all_limits() {
  Limits limits;
  limits.memory_max = 268435456;
  limits.cpu_max_percent = 20;
  limits.cpu_weight = 50;
  limits.pids_max = 64;
  return limits;
}

}  // namespace

TEST_SUITE("cgroups") {
  TEST_CASE("settings: v1 writes the period before the quota") {
    const Settings settings = settings_for(all_limits(), kV1);
    const std::vector<FileValue> expected = {
        {"memory", "memory.limit_in_bytes", "268435456"},
        {"cpu", "cpu.cfs_period_us", "100000"},
        {"cpu", "cpu.cfs_quota_us", "20000"},
        {"cpu", "cpu.shares", "512"},
        {"pids", "pids.max", "64"}};
    CHECK(settings.values == expected);
    CHECK(settings.unsupported.empty());
  }

  TEST_CASE("settings: v2 has one file for quota and period") {
    Limits limits = all_limits();
    limits.memory_high = 200000000;
    const std::vector<FileValue> expected = {{"memory", "memory.max", "268435456"},
                                             {"memory", "memory.high", "200000000"},
                                             {"cpu", "cpu.max", "20000 100000"},
                                             {"cpu", "cpu.weight", "50"},
                                             {"pids", "pids.max", "64"}};
    CHECK(settings_for(limits, kV2).values == expected);
  }

  TEST_CASE("settings: in a hybrid each controller is written its own way") {
    const Controllers hybrid = {{"memory", Version::v2}, {"cpu", Version::v1}};
    const Settings settings = settings_for(all_limits(), hybrid);
    REQUIRE(settings.values.size() == 4);
    CHECK(settings.values[0].file == "memory.max");
    CHECK(settings.values[1].file == "cpu.cfs_period_us");
    REQUIRE(settings.unsupported.size() == 1);
    CHECK(settings.unsupported[0].message() ==
          "pids-max: this machine offers no controller 'pids'");
  }

  TEST_CASE("settings: memory-high is said to be missing on v1") {
    Limits limits;
    limits.memory_high = 1 << 20;
    const Settings settings = settings_for(limits, kV1);
    CHECK(settings.values.empty());
    REQUIRE(settings.unsupported.size() == 1);
    CHECK(settings.unsupported[0].message() ==
          "memory-high: cgroup v1 has no such limit");
  }

  TEST_CASE("settings: a weight of 100 is what a group has without any") {
    CHECK(shares_from_weight(100) == 1024);
    CHECK(shares_from_weight(1) == 10);
    CHECK(shares_from_weight(10000) == 102400);
  }

  TEST_CASE("settings: more than one CPU") {
    Limits limits;
    limits.cpu_max_percent = 250;
    CHECK(settings_for(limits, kV2).values[0].value == "250000 100000");
  }

  TEST_CASE("settings: raw ones are optional, and never a way out of the group") {
    Limits limits;
    limits.raw = {{"memory.swappiness", "10"},
                  {"cgroup.procs", "1"},
                  {"tasks", "1"},
                  {"../memory.max", "1"},
                  {"memory.x/../tasks", "1"},
                  {"io.max", "8:0 rbps=1"},
                  {"release_agent", "/bin/sh"},
                  {"notify_on_release", "1"}};
    const Settings settings = settings_for(limits, kV1);
    CHECK(settings.optional ==
          std::vector<FileValue>{{"memory", "memory.swappiness", "10"}});
    CHECK(settings.unsupported.size() == 7);
  }

  TEST_CASE("settings: what comes back is compared by meaning") {
    struct Row {
      const char* file;
      const char* written;
      const char* read;
      bool same;
    };
    const Row rows[] = {
        {"memory.limit_in_bytes", "10000001", "9998336\n", true},
        {"memory.limit_in_bytes", "10000001", "9994240\n", false},
        {"memory.limit_in_bytes", "8192", "12288\n", false},
        {"memory.limit_in_bytes", "-1", "9223372036854771712\n", true},
        {"memory.limit_in_bytes", "64M", "67108864\n", true},
        {"memory.limit_in_bytes", "1000000", "9223372036854771712\n", false},
        {"memory.max", "max", "max\n", true},
        {"memory.max", "4096", "max\n", false},
        {"cpu.max", "20000 100000", "20000 100000\n", true},
        {"cpu.max", "20000 100000", "max 100000\n", false},
        {"cpu.cfs_quota_us", "-1", "-1\n", true},
        {"cpu.shares", "512", "511\n", false},
        {"pids.max", "64", "64\n", true},
        {"pids.max", "max", "max\n", true},
        {"io.max", "8:0 rbps=1048576", "8:0 rbps=1048576 wbps=max riops=max wiops=max\n",
         true},
        {"io.max", "8:0 rbps=1048576", "8:0 rbps=max wbps=1048576\n", false},
        {"memory.limit_in_bytes", "", "", false},
    };
    for (const Row& row : rows) {
      CAPTURE(row.file);
      CAPTURE(row.written);
      CAPTURE(row.read);
      CHECK(same_value(row.file, row.written, row.read) == row.same);
    }
  }

  TEST_CASE("settings: every limit that can be written has a default to go back to") {
    for (const Controllers& controllers : {kV1, kV2}) {
      const auto defaults = default_settings(controllers);
      for (const FileValue& value : settings_for(all_limits(), controllers).values) {
        CAPTURE(value.file);
        const bool found =
            value.file == "cpu.cfs_period_us" ||  // means nothing without a quota
            std::any_of(defaults.begin(), defaults.end(),
                        [&](const FileValue& d) { return d.file == value.file; });
        CHECK(found);
      }
    }
  }
}
