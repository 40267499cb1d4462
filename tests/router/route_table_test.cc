#include "router/route_table.h"

#include <doctest/doctest.h>

using router::RouteTable;
using router::VassalId;

TEST_SUITE("router") {
  TEST_CASE("route table: exact before the longest wildcard before the default") {
    RouteTable table;
    table.set("example.com", 1);
    table.set("*.example.com", 2);
    table.set("*.shop.example.com", 3);
    table.set("a.shop.example.com", 4);
    struct Row {
      const char* host;
      std::optional<VassalId> id;
    };
    const Row rows[] = {
        {"example.com", 1},          {"www.example.com", 2},
        {"x.y.example.com", 2},      {"b.shop.example.com", 3},
        {"a.shop.example.com", 4},   {"shop.example.com", 2},
        {"x.a.shop.example.com", 3}, {"badexample.com", std::nullopt},
        {"com", std::nullopt},       {"", std::nullopt},
    };
    for (const Row& row : rows) {
      CAPTURE(row.host);
      CHECK(table.find(row.host) == row.id);
      CHECK(table.domain_of(row.host).empty() == !row.id);
    }
    CHECK(table.domain_of("example.com") == "example.com");
    CHECK(table.domain_of("b.shop.example.com") == "*.shop.example.com");
    CHECK(table.domain_of("x.y.example.com") == "*.example.com");
    table.set("*", 9);
    CHECK(table.find("elsewhere.org") == 9);
    CHECK(table.domain_of("elsewhere.org") == "*");
    CHECK(table.find("") == 9);
    CHECK(table.find("example.com") == 1);
    CHECK(table.size() == 5);
  }

  TEST_CASE("route table: a route set again moves, one erased is gone") {
    RouteTable table;
    table.set("a.example", 1);
    table.set("a.example", 2);
    CHECK(table.find("a.example") == 2);
    table.erase("a.example");
    table.erase("never.there");
    CHECK(table.find("a.example") == std::nullopt);
    CHECK(table.size() == 0);
  }

  TEST_CASE("route table: a vassal that goes takes all its routes along") {
    RouteTable table;
    table.set("a.example", 1);
    table.set("*.a.example", 1);
    table.set("*", 1);
    table.set("b.example", 2);
    table.erase_vassal(1);
    CHECK(table.find("a.example") == std::nullopt);
    CHECK(table.find("x.a.example") == std::nullopt);
    CHECK(table.find("b.example") == 2);
    CHECK(table.size() == 1);
  }
}
