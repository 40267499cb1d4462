#include "vassal/master_pulse.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using vassal::Pulse;

namespace {
const base::Instant kStart{};
}

TEST_SUITE("vassal") {
  TEST_CASE("pulse: says nothing that nobody asked for") {
    Pulse pulse;
    CHECK_FALSE(pulse.next());
    pulse.start(0s, false, kStart);
    CHECK_FALSE(pulse.next());
  }

  TEST_CASE("pulse: beats while somebody is idle, or requests are finished") {
    Pulse pulse;
    pulse.start(5s, false, kStart);
    CHECK(pulse.next() == kStart);
    CHECK(pulse.look({.finished = 0, .any_idle = false}, kStart).heartbeat);
    CHECK(pulse.next() == kStart + 5s);
    CHECK_FALSE(pulse.look({.finished = 9, .any_idle = true}, kStart + 4s).heartbeat);
    CHECK(pulse.look({.finished = 9, .any_idle = false}, kStart + 5s).heartbeat);
    CHECK_FALSE(pulse.look({.finished = 9, .any_idle = false}, kStart + 10s).heartbeat);
    CHECK(pulse.look({.finished = 10, .any_idle = false}, kStart + 15s).heartbeat);
    CHECK(pulse.look({.finished = 10, .any_idle = true}, kStart + 20s).heartbeat);
  }

  TEST_CASE("pulse: beats while an event loop turns, though nothing is finished") {
    Pulse pulse;
    pulse.start(5s, false, kStart);
    CHECK(pulse.look({.turns = 3}, kStart).heartbeat);
    CHECK(pulse.look({.turns = 8}, kStart + 5s).heartbeat);
    CHECK_FALSE(pulse.look({.turns = 8}, kStart + 10s).heartbeat);
    CHECK_FALSE(pulse.look({.turns = 9}, kStart + 10s).loyal);
  }

  TEST_CASE("pulse: is loyal once, after the first request") {
    Pulse pulse;
    pulse.start(0s, true, kStart);
    CHECK(pulse.next() == kStart + 1s);
    CHECK_FALSE(pulse.look({.finished = 0, .any_idle = true}, kStart + 1s).loyal);
    CHECK(pulse.next() == kStart + 2s);
    CHECK(pulse.look({.finished = 1, .any_idle = true}, kStart + 2s).loyal);
    CHECK_FALSE(pulse.next());
  }
}
