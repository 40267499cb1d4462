#include "router/capacity.h"

#include <doctest/doctest.h>

TEST_SUITE("router") {
  TEST_CASE("capacity: follows the descriptors, and is never nothing") {
    struct Row {
      size_t descriptors;
      size_t busy;
      size_t http;
      size_t parked;
      size_t belt;
    };
    const Row rows[] = {
        {256, 64, 32, 32, 8},
        {1024, 256, 128, 128, 8},
        {4096, 1792, 896, 896, 16},
        {65536, 32512, 16256, 16256, 64},
        {1u << 20, 524032, 262016, 20000, 64},
        {1u << 30, 524032, 262016, 20000, 64},
    };
    for (const Row& row : rows) {
      CAPTURE(row.descriptors);
      const auto capacity = router::capacity_for(row.descriptors, 20000);
      CHECK(capacity.busy == row.busy);
      CHECK(capacity.http == row.http);
      CHECK(capacity.parked == row.parked);
      CHECK(capacity.belt == row.belt);
    }
  }
}
