#include "cgroups/usage.h"

#include <doctest/doctest.h>

TEST_SUITE("cgroups") {
  TEST_CASE("usage: a file with one number") {
    CHECK(cgroups::parse_number("4096\n") == 4096);
    CHECK(cgroups::parse_number("0") == 0);
    CHECK_FALSE(cgroups::parse_number("max\n"));
    CHECK_FALSE(cgroups::parse_number(""));
    CHECK_FALSE(cgroups::parse_number("12 34"));
  }

  TEST_CASE("usage: a key is found as a whole word") {
    const char* events = "low 0\nhigh 3\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n";
    CHECK(cgroups::parse_flat_keyed(events, "oom_kill") == 1);
    CHECK(cgroups::parse_flat_keyed(events, "oom") == 2);
    CHECK_FALSE(cgroups::parse_flat_keyed(events, "kill"));
    CHECK_FALSE(cgroups::parse_flat_keyed("", "oom"));
    CHECK(cgroups::parse_flat_keyed("oom_kill_disable 0\nunder_oom 0\noom_kill 5",
                                    "oom_kill") == 5);
  }
}
