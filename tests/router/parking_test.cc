#include "router/parking.h"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using router::Parcel;
using router::ParkingBudget;
using router::ParkingLine;

namespace {

const base::Instant kStart{};

Parcel parcel(std::string payload, base::Instant deadline = kStart + 10s) {
  return {{.kind = wire::HandoffKind::nginx,
           .arrived = kStart,
           .deadline = base::Deadline(deadline)},
          std::move(payload),
          base::Fd()};
}

/// How many parcels a line takes before it says no.
size_t fill(ParkingLine& line, size_t most) {
  size_t n = 0;
  for (; line.has_room(10, most); ++n)
    line.push(parcel("0123456789"));
  return n;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("parking: first in, first out, and the one taken back goes first") {
    ParkingBudget budget(100, 10000);
    ParkingLine line(budget);
    line.push(parcel("one"));
    line.push(parcel("two"));
    line.push_front(parcel("zero"));
    CHECK(line.size() == 3);
    CHECK(line.pop().payload == "zero");
    CHECK(line.pop().payload == "one");
    CHECK(line.pop().payload == "two");
    CHECK(line.empty());
    CHECK(budget.used().parcels == 0);
    CHECK(budget.used().bytes == 0);
  }

  TEST_CASE("parking: what has expired leaves from the front") {
    ParkingBudget budget(100, 10000);
    ParkingLine line(budget);
    line.push(parcel("one", kStart + 1s));
    line.push(parcel("two", kStart + 2s));
    CHECK_FALSE(line.pop_expired(kStart).has_value());
    CHECK(line.pop_expired(kStart + 1s)->payload == "one");
    CHECK_FALSE(line.pop_expired(kStart + 1s).has_value());
    CHECK(line.pop_expired(kStart + 3s)->payload == "two");
  }

  TEST_CASE("parking: a line is bounded by its own number") {
    ParkingBudget budget(1000, 100000);
    ParkingLine line(budget);
    CHECK(fill(line, 20) == 20);
  }

  TEST_CASE(
      "parking: alone, one line gets half of everything, and the neighbour its share") {
    ParkingBudget budget(100, 100000);
    ParkingLine greedy(budget);
    CHECK(fill(greedy, 1000) == 50);
    ParkingLine neighbour(budget);
    CHECK(fill(neighbour, 1000) == 50);
    CHECK(budget.used().parcels == 100);
    ParkingLine late(budget);
    CHECK(fill(late, 1000) == 0);
    while (!greedy.empty())
      static_cast<void>(greedy.pop());
    CHECK(fill(late, 1000) > 0);
  }

  TEST_CASE("parking: bytes are bounded as numbers are") {
    ParkingBudget budget(1000, 100);
    ParkingLine line(budget);
    CHECK(fill(line, 1000) == 5);
  }

  TEST_CASE("parking: a line that ends gives everything back") {
    ParkingBudget budget(100, 1000);
    {
      ParkingLine line(budget);
      fill(line, 7);
      CHECK(budget.used().parcels == 7);
    }
    CHECK(budget.used().parcels == 0);
  }
}
