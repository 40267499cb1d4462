#include "router/capacity.h"

#include <doctest/doctest.h>

TEST_SUITE("router") {
  TEST_CASE("capacity: follows the descriptors, and is never nothing") {
    struct Row {
      size_t descriptors;
      size_t all;
      size_t http;
      size_t parked;
      size_t belt;
    };
    const Row rows[] = {
        {256, 128, 96, 75, 8},
        {1024, 512, 384, 306, 8},
        {4096, 3584, 2688, 2148, 16},
        {65536, 65024, 48768, 20000, 64},
        {1u << 20, 1048064, 786048, 20000, 64},
        {1u << 30, 1048064, 786048, 20000, 64},
    };
    for (const Row& row : rows) {
      CAPTURE(row.descriptors);
      const auto capacity = router::capacity_for(row.descriptors, 20000);
      CHECK(capacity.descriptors == row.all);
      CHECK(capacity.http == row.http);
      CHECK(capacity.parked == row.parked);
      CHECK(capacity.belt == row.belt);
    }
  }

  TEST_CASE("capacity: an idle connection counts once, one that is served twice") {
    const router::Capacity small{.descriptors = 20, .http = 12, .parked = 10, .belt = 8};
    struct Row {
      router::Occupancy taken;
      bool room;
      bool for_http;
      bool to_serve;
    };
    const Row rows[] = {
        {{}, true, true, true},
        {{.sessions = 5, .http = 5}, true, true, true},
        {{.sessions = 6, .http = 6}, true, false, true},
        {{.sessions = 10, .http = 10, .idle = 10}, true, true, true},
        {{.sessions = 11, .http = 11, .idle = 11}, true, false, true},
        // Ten were idle, and three of them ask.
        {{.sessions = 10, .http = 10, .idle = 7}, true, false, false},
        {{.sessions = 9}, true, true, true},
        {{.sessions = 10}, false, false, true},
        {{.sessions = 5, .parked = 8}, true, true, true},
        {{.sessions = 5, .parked = 9}, false, false, true},
    };
    for (const Row& row : rows) {
      CAPTURE(row.taken.sessions);
      CAPTURE(row.taken.idle);
      CAPTURE(row.taken.parked);
      CHECK(small.has_room(row.taken) == row.room);
      CHECK(small.has_room_for_http(row.taken) == row.for_http);
      CHECK(small.has_room_to_serve(row.taken) == row.to_serve);
    }
  }
}
