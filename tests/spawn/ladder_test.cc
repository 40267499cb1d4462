#include "vassal/ladder.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using vassal::SpawnStep;

namespace {

ptrdiff_t place_of(SpawnStep step) {
  const auto rungs = vassal::rungs();
  const auto found = std::ranges::find(rungs, step, &vassal::Rung::step);
  REQUIRE(found != rungs.end());
  return found - rungs.begin();
}

}  // namespace

TEST_SUITE("spawn") {
  TEST_CASE("ladder: the order of the steps") {
    std::string order;
    for (const vassal::Rung& rung : vassal::rungs())
      order += std::string(name_of(rung.step)) + "\n";
    CHECK(order ==
          "setsid\ncgroup enter\ncgroup "
          "verify\noom_score_adj\ndescriptors\nsetrlimit\npriority\numask\nsignals\n"
          "capability bounding "
          "set\nsetgroups\nsetgid\nsetuid\ncapabilities\nno_new_privs\nno way back to "
          "root\n"
          "exec\n");
  }

  TEST_CASE(
      "ladder: limits stand before privileges go, and privileges are gone before exec") {
    CHECK(place_of(SpawnStep::cgroup_verify) < place_of(SpawnStep::uid));
    CHECK(place_of(SpawnStep::limits) < place_of(SpawnStep::uid));
    CHECK(place_of(SpawnStep::groups) < place_of(SpawnStep::gid));
    CHECK(place_of(SpawnStep::gid) < place_of(SpawnStep::uid));
    CHECK(place_of(SpawnStep::no_way_back) > place_of(SpawnStep::capabilities));
    CHECK(vassal::rungs().back().step == SpawnStep::exec);
  }
}
