#include "router/peer_networks.h"

#include <doctest/doctest.h>

TEST_SUITE("router") {
  TEST_CASE("peer networks: addresses, prefixes of any length, both families") {
    router::PeerNetworks networks;
    CHECK(networks.add("192.0.2.7"));
    CHECK(networks.add("10.16.0.0/12"));
    CHECK(networks.add("2001:db8::/33"));
    CHECK(networks.contains("192.0.2.7"));
    CHECK_FALSE(networks.contains("192.0.2.8"));
    CHECK(networks.contains("10.31.255.255"));
    CHECK_FALSE(networks.contains("10.32.0.0"));
    CHECK(networks.contains("2001:db8:7fff::1"));
    CHECK_FALSE(networks.contains("2001:db8:8000::1"));
    CHECK_FALSE(networks.contains(""));
    CHECK_FALSE(networks.contains("nonsense"));
    CHECK(networks.add("unix"));
    CHECK(networks.contains(""));
  }

  TEST_CASE("peer networks: 0.0.0.0/0 is everybody who has an IPv4 address") {
    router::PeerNetworks networks;
    CHECK(networks.add("0.0.0.0/0"));
    CHECK(networks.contains("203.0.113.9"));
    CHECK_FALSE(networks.contains("2001:db8::1"));
  }

  TEST_CASE("peer networks: what is no network is refused") {
    router::PeerNetworks networks;
    for (const char* text : {"", "proxy.example.com", "10.0.0.0/33", "10.0.0.0/", "10/8",
                             "10.0.0.0/8x", "::1/129"})
      CHECK_FALSE(networks.add(text));
  }
}
