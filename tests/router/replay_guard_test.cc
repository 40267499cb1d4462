#include "router/replay_guard.h"

#include <doctest/doctest.h>

using router::ReplayGuard;

TEST_SUITE("router") {
  TEST_CASE("replay guard: a time is good within the window, both ways") {
    const ReplayGuard guard(60);
    constexpr uint64_t kNow = 1'000'000;
    CHECK_FALSE(guard.refuse_time(kNow, kNow));
    CHECK_FALSE(guard.refuse_time(kNow - 60, kNow));
    CHECK_FALSE(guard.refuse_time(kNow + 60, kNow));
    CHECK(guard.refuse_time(kNow - 61, kNow) == "it is too old");
    CHECK(guard.refuse_time(kNow + 61, kNow) == "it comes from the future");
    CHECK(guard.refuse_time(UINT64_MAX, kNow));
    CHECK(guard.refuse_time(0, kNow));
  }

  TEST_CASE("replay guard: each text once, and none older than another of its node") {
    ReplayGuard guard(60);
    constexpr uint64_t kNow = 1'000'000;
    CHECK_FALSE(guard.refuse_replay("k", "n", "join", kNow, kNow));
    CHECK(guard.refuse_replay("k", "n", "join", kNow, kNow));
    CHECK_FALSE(guard.refuse_replay("k", "n", "leave", kNow, kNow));
    CHECK(guard.refuse_replay("k", "n", "join", kNow, kNow + 1));
    CHECK(guard.refuse_replay("k", "n", "other", kNow - 1, kNow));
    CHECK_FALSE(guard.refuse_replay("k", "other node", "join", kNow - 1, kNow));
    CHECK_FALSE(guard.refuse_replay("other key", "n", "join", kNow - 1, kNow));
    CHECK_FALSE(guard.refuse_replay("k", "n", "join again", kNow + 1, kNow + 1));
    CHECK(guard.refuse_replay("k", "n", "leave", kNow, kNow + 1));
  }

  TEST_CASE("replay guard: a key has room for so many nodes, until they are old") {
    ReplayGuard guard(60);
    uint64_t now = 1'000'000;
    size_t taken = 0;
    while (taken < 10'000 &&
           !guard.refuse_replay("k", std::to_string(taken), "t", now, now))
      ++taken;
    CHECK(taken == 2000);
    CHECK_FALSE(guard.refuse_replay("other", "n", "t", now, now));
    CHECK_FALSE(guard.refuse_replay("k", "0", "t2", now + 1, now + 1));
    now += 100;
    CHECK_FALSE(guard.refuse_replay("k", "new", "t", now, now));
  }

  TEST_CASE("replay guard: a node takes room for as long as it may be there") {
    ReplayGuard guard(60, 300);
    uint64_t now = 1'000'000;
    for (int n = 0; n < 2000; ++n)
      guard.refuse_replay("k", std::to_string(n), "t", now, now);
    CHECK(guard.refuse_replay("k", "new", "t", now + 100, now + 100));
    CHECK_FALSE(guard.refuse_replay("k", "new", "t", now + 301, now + 301));
  }
}
