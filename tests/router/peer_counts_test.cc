#include "router/peer_counts.h"

#include <vector>

#include <doctest/doctest.h>

TEST_SUITE("router") {
  TEST_CASE("peer counts: so many for each client, and a place is free when one leaves") {
    router::PeerCounts counts;
    std::vector<router::PeerCounts::Place> places;
    for (int i = 0; i < 3; ++i) {
      auto place = counts.enter("192.0.2.1", 3);
      REQUIRE(place);
      places.push_back(std::move(*place));
    }
    CHECK_FALSE(counts.enter("192.0.2.1", 3));
    CHECK(counts.enter("192.0.2.2", 3));
    places.pop_back();
    CHECK(counts.enter("192.0.2.1", 3));
    places.clear();
    CHECK(counts.clients() == 0);
    CHECK_FALSE(counts.enter("192.0.2.1", 0));
    CHECK(counts.clients() == 0);
  }

  TEST_CASE("peer counts: a network of 64 bits is one client") {
    using router::client_of;
    CHECK(client_of("2001:db8:1:2::1") == client_of("2001:db8:1:2:ffff::9"));
    CHECK(client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1"));
    CHECK(client_of("192.0.2.1") != client_of("192.0.2.2"));
    CHECK(client_of("fe80::1%eth0") != client_of("fe80::1%eth1"));
    CHECK(router::is_loopback("127.9.9.9"));
    CHECK(router::is_loopback("::1"));
    CHECK_FALSE(router::is_loopback("12.7.0.1"));
  }

  TEST_CASE("peer counts: a place that moved counts once") {
    router::PeerCounts counts;
    router::PeerCounts::Place kept;
    {
      auto place = counts.enter("192.0.2.1", 1);
      REQUIRE(place);
      kept = std::move(*place);
    }
    CHECK_FALSE(counts.enter("192.0.2.1", 1));
    kept = {};
    CHECK(counts.enter("192.0.2.1", 1));
  }
}
