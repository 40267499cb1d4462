// The grammar of host names, which routes and claims share.
#include "base/wire/host_name.h"

#include <doctest/doctest.h>

TEST_SUITE("wire") {
  TEST_CASE("host name: lower-case, without port and trailing dot") {
    CHECK(wire::normalise_host("Shop.Example.COM:8080") == "shop.example.com");
    CHECK(wire::normalise_host("shop.example.com.") == "shop.example.com");
    CHECK(wire::normalise_host("localhost:") == "localhost");
    CHECK(wire::normalise_host("[::1]:8080") == "[::1]");
    CHECK(wire::normalise_host("[::1]") == "[::1]");
    CHECK(wire::normalise_host("my_site.example") == "my_site.example");
  }

  TEST_CASE("host name: what is not one is nothing") {
    for (const char* host :
         {"", ".", "a..b", ".a", "a/b", "../etc", "a b", "a\tb", "a:b", "a:99999", "-%41",
          "[::1", "[x]", "[..a8]:0", "[1:2]", "a\x80", "a,b"}) {
      CAPTURE(host);
      CHECK_FALSE(wire::normalise_host(host));
    }
    CHECK_FALSE(wire::normalise_host(std::string(64, 'a')));
    CHECK(wire::normalise_host(std::string(63, 'a')));
    std::string longest;
    for (int i = 0; i < 127; ++i)
      longest += "a.";
    CHECK_FALSE(wire::normalise_host(longest + "aa"));
    CHECK_FALSE(wire::normalise_host(std::string_view("a\0b", 3)));
  }

  TEST_CASE("domain: a name or a wildcard suffix") {
    CHECK(wire::normalise_domain("*.Example.com") == "*.example.com");
    CHECK(wire::normalise_domain("example.com") == "example.com");
    for (const char* domain :
         {"*.", "*x.example", "a.*.example", "example.com:80", "**.a"}) {
      CAPTURE(domain);
      CHECK_FALSE(wire::normalise_domain(domain));
    }
  }
}
