#include "emperor/claims.h"

#include <doctest/doctest.h>

#include "emperor/views.h"

using emperor::Claims;
using emperor::HostChange;
using Changes = std::vector<HostChange>;

TEST_SUITE("emperor") {
  TEST_CASE("claims: the first keeps a host, the second is told who has it") {
    Claims c;
    CHECK(c.set("a", "/v/a.ini", {"x.example"}) == Changes{{"x.example", "a"}});
    CHECK(c.set("b", "/v/b.ini", {"x.example", "y.example"}) ==
          Changes{{"y.example", "b"}});
    CHECK(c.holder("x.example") == "a");
    const auto refused = c.refused("b");
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].host == "x.example");
    CHECK(refused[0].holder == "a");
    CHECK(refused[0].holder_file == "/v/a.ini");
    CHECK(c.refused("a").empty());
  }

  TEST_CASE("claims: who waited inherits when the holder lets go") {
    Claims c;
    c.set("a", "a", {"x"});
    c.set("b", "b", {"x"});
    CHECK(c.drop("a") == Changes{{"x", "b"}});
    CHECK(c.refused("b").empty());
    CHECK(c.drop("b") == Changes{{"x", ""}});
    CHECK(c.holder("x").empty());
    CHECK(c.held().empty());
  }

  TEST_CASE("claims: a host that a file no longer names is withdrawn, the others stay") {
    Claims c;
    c.set("a", "a", {"x", "y"});
    CHECK(c.set("a", "a", {"y", "z"}) == Changes{{"x", ""}, {"z", "a"}});
    CHECK(c.set("a", "a", {"y", "z"}).empty());
  }

  TEST_CASE("claims: one who waits can leave the line") {
    Claims c;
    c.set("a", "a", {"x"});
    c.set("b", "b", {"x"});
    c.set("c", "c", {"x"});
    CHECK(c.drop("b").empty());
    CHECK(c.drop("a") == Changes{{"x", "c"}});
  }

  TEST_CASE(
      "claims: saved and restored, a restart decides as before whatever comes first") {
    Claims before;
    before.set("a", "/v/a.ini", {"x"});
    before.set("b", "/v/b.ini", {"x"});
    Claims after;
    emperor::restore_claims(emperor::claims_json(before), &after);
    CHECK(after.set("b", "/v/b.ini", {"x"}).empty());
    CHECK(after.set("a", "/v/a.ini", {"x"}).empty());
    CHECK(after.holder("x") == "a");
    CHECK(emperor::claims_json(after) == emperor::claims_json(before));
  }

  TEST_CASE("claims: what cannot be read is no claim") {
    for (const char* text : {"", "[", "{}", "[1]", "[{\"host\":\"x\"}]", "null"}) {
      Claims c;
      emperor::restore_claims(text, &c);
      CHECK(c.held().empty());
    }
  }
}
