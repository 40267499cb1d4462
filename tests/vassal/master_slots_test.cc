#include "vassal/master_slots.h"

#include <memory>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using base::Instant;

TEST_SUITE_BEGIN("vassal");

TEST_CASE("slots: a worker is replaced at once, unless they keep dying young") {
  uint32_t deaths = 0;
  CHECK(vassal::respawn_delay(10s, deaths) == 0s);
  CHECK(vassal::respawn_delay(10ms, deaths) == 0s);
  CHECK(vassal::respawn_delay(10ms, deaths) == 100ms);
  CHECK(vassal::respawn_delay(10ms, deaths) == 200ms);
  CHECK(vassal::respawn_delay(10ms, deaths) == 400ms);
  for (int i = 0; i < 100; ++i)
    CHECK(vassal::respawn_delay(10ms, deaths) <= 5s);
  CHECK(vassal::respawn_delay(10ms, deaths) == 5s);
  CHECK(vassal::respawn_delay(3s, deaths) == 0s);
  CHECK(vassal::respawn_delay(10ms, deaths) == 0s);
}

TEST_CASE("slots: the oldest request of all threads") {
  auto page = std::make_unique<vassal::WorkerPage>();
  CHECK(!vassal::oldest_request(*page, 4));
  page->pulses[2] = 700;
  page->pulses[1] = 900;
  CHECK(vassal::oldest_request(*page, 4) == base::from_wire(700));
  CHECK(vassal::oldest_request(*page, 2) == base::from_wire(900));
}

TEST_CASE("slots: the next event is the earliest") {
  std::vector<vassal::Slot> slots(3);
  CHECK(!vassal::next_event(slots));
  const Instant now = base::Clock::now();
  slots[0].kill_at = now + 3s;
  slots[2].respawn_at = now + 1s;
  CHECK(vassal::next_event(slots) == now + 1s);
}

TEST_CASE("slots: waiting never ends before the event") {
  const Instant now = base::Clock::now();
  CHECK(vassal::wait_ms({}, now) == -1);
  CHECK(vassal::wait_ms(now - 1s, now) == 0);
  CHECK(vassal::wait_ms(now + 1us, now) == 1);
  CHECK(vassal::wait_ms(now + 1500ms, now) == 1500);
}

TEST_SUITE_END();
