#include "vassal/health_check.h"

#include <doctest/doctest.h>

using vassal::judge_answer;

TEST_SUITE("vassal") {
  TEST_CASE("health check: the status line decides, as soon as it is there") {
    const std::string path = "/up";
    CHECK(judge_answer(path, "HTTP/1.1 200", false) == std::string());
    CHECK(judge_answer(path, "HTTP/1.1 302 Found\r\n", false) == std::string());
    CHECK(judge_answer(path, "HTTP/1.1 500 no", false) ==
          "health-check /up answered 500");
    CHECK(judge_answer(path, "HTTP/1.1 404 no", true) == "health-check /up answered 404");
  }

  TEST_CASE("health check: half a status line is waited for, until the end") {
    const std::string_view whole = "HTTP/1.1 200 OK";
    for (size_t n = 0; n < 12; ++n) {
      CAPTURE(n);
      CHECK(judge_answer("/", whole.substr(0, n), false) == std::nullopt);
      CHECK(judge_answer("/", whole.substr(0, n), true) ==
            "health-check / was not answered");
    }
  }

  TEST_CASE("health check: what is no HTTP is no answer") {
    CHECK(judge_answer("/", "hello, world and more", false) ==
          "health-check / was answered with something else than HTTP");
    CHECK(judge_answer("/", "HTTP/1.1 2x0", false) ==
          "health-check / was answered with something else than HTTP");
  }
}
