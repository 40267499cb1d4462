#include "base/wire/host_pattern.h"

#include <doctest/doctest.h>

TEST_SUITE("wire") {
  TEST_CASE("host pattern: what may be claimed") {
    struct Row {
      const char* pattern;
      const char* domain;
      bool covered;
    };
    const Row rows[] = {
        {"a.example", "a.example", true},
        {"a.example", "b.a.example", false},
        {"a.example", "*.a.example", false},
        {"*.example", "a.example", true},
        {"*.example", "b.a.example", true},
        {"*.example", "*.example", true},
        {"*.example", "*.a.example", true},
        {"*.example", "example", false},
        {"*.example", "xexample", false},
        {"*.example", "*.xexample", false},
        {"*.a.example", "*.example", false},
        {"*.example", "*", false},
        {"*", "*", true},
        {"*", "*.com", true},
        {"*", "a.example", true},
        {"", "a.example", false},
        {"*.example", "", false},
        {"*.example", ".example", false},
    };
    for (const Row& row : rows) {
      CAPTURE(row.pattern);
      CAPTURE(row.domain);
      CHECK(wire::covers(row.pattern, row.domain) == row.covered);
    }
  }
}
