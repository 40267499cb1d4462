#include "emperor/alarms.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using emperor::Alarm;

TEST_SUITE("emperor") {
  TEST_CASE("alarms: come in the order of their times, and not before") {
    emperor::Alarms alarms;
    const base::Instant t{1h};
    CHECK(alarms.next().is_never());
    alarms.set(t + 2s, {Alarm::Kind::due, "b"});
    alarms.set(t + 1s, {Alarm::Kind::mercy, "a", 3});
    CHECK(alarms.next().at() == t + 1s);
    CHECK_FALSE(alarms.take_due(t));
    const auto first = alarms.take_due(t + 5s);
    REQUIRE(first);
    CHECK(first->vassal == "a");
    CHECK(first->generation == 3);
    CHECK(alarms.take_due(t + 5s)->vassal == "b");
    CHECK_FALSE(alarms.take_due(t + 5s));
  }
}
