#include "router/belt.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using base::Deadline;
using router::Belt;

namespace {
Deadline at(int n) {
  return Deadline(base::Instant{} + std::chrono::seconds(n));
}
}  // namespace

TEST_SUITE("router") {
  TEST_CASE("belt: nothing unread means that all was taken") {
    Belt belt;
    for (int i = 0; i < 64; ++i)
      belt.push(1000, at(i));
    CHECK(belt.full());
    belt.settle(0);
    CHECK(belt.count() == 0);
    CHECK(belt.oldest().is_never());
  }

  TEST_CASE("belt: what is unread are the newest, counted up") {
    Belt belt;
    for (int i = 0; i < 10; ++i)
      belt.push(1000, at(i));
    CHECK(belt.oldest().at() == at(0).at());
    belt.settle(3 * 2304);  // three messages as the kernel charges them
    CHECK(belt.count() >= 3);
    CHECK(belt.count() <= 5);
    CHECK(belt.oldest().at() == at(10 - static_cast<int>(belt.count())).at());
    belt.settle(1);
    CHECK(belt.count() == 1);
    CHECK(belt.oldest().at() == at(9).at());
  }

  TEST_CASE("belt: messages of others never make it hold more than it sent") {
    Belt belt;
    belt.push(10, at(1));
    belt.settle(1'000'000);
    CHECK(belt.count() == 1);
  }

  TEST_CASE("belt: goes round and round") {
    Belt belt;
    for (int i = 0; i < 1000; ++i) {
      if (belt.full()) belt.settle(1);
      belt.push(100, at(i));
    }
    belt.settle(1);
    CHECK(belt.oldest().at() == at(999).at());
  }
}
