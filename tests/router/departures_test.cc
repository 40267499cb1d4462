#include "router/departures.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

using router::Departures;

namespace {

void leave(Departures& departures,
           const std::string& key,
           const std::string& holder,
           uint64_t until = 100) {
  wire::Subscription packet;
  packet.key = key;
  packet.address = "127.0.0.1:1";
  departures.note(packet, {.datagram = key, .sender = {}}, holder, until);
}

std::vector<std::string> told(Departures& departures, uint64_t now = 50) {
  std::vector<std::string> keys;
  departures.tell(
      [&](const router::HeardPacket& heard) {
        CHECK(heard.left);
        keys.emplace_back(heard.datagram);
      },
      now);
  std::ranges::sort(keys);
  return keys;
}

}  // namespace

TEST_SUITE("router") {
  using Keys = std::vector<std::string>;

  TEST_CASE("departures: each as long as it matters, or until the node is back") {
    Departures departures;
    leave(departures, "a.example", "alice", 100);
    leave(departures, "b.example", "bob", 200);
    leave(departures, "c.example", "carol", 300);
    CHECK(told(departures) == Keys{"a.example", "b.example", "c.example"});
    CHECK(told(departures, 101) == Keys{"b.example", "c.example"});
    wire::Subscription back;
    back.key = "B.example";
    back.address = "127.0.0.1:1";
    departures.forget(back);
    CHECK(told(departures, 101) == Keys{"c.example"});
    leave(departures, "c.example", "carol", 400);  // again
    CHECK(departures.size() == 1);
  }

  TEST_CASE("departures: who fills them loses his own, the oldest first") {
    Departures departures(4);
    leave(departures, "a.example", "alice");
    for (const char* key : {"1.example", "2.example", "3.example", "4.example"})
      leave(departures, key, "mallory");
    CHECK(told(departures) == Keys{"2.example", "3.example", "4.example", "a.example"});
    leave(departures, "b.example", "bob");
    CHECK(told(departures) == Keys{"3.example", "4.example", "a.example", "b.example"});
  }
}
