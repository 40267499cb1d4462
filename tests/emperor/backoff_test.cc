#include "emperor/backoff.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using emperor::Backoff;

TEST_SUITE("emperor") {
  TEST_CASE("backoff: doubles up to the cap") {
    Backoff b;
    const std::chrono::milliseconds expected[] = {500ms, 1s,  2s,  4s, 8s,
                                                  16s,   32s, 60s, 60s};
    for (const auto wait : expected)
      CHECK(b.failed(0s, 0.5) == wait);
    for (int i = 0; i < 100; ++i)
      b.failed(0s, 0.5);
    CHECK(b.failed(0s, 0.999) == 60s);
  }

  TEST_CASE("backoff: jitter spreads a wait over 75 to 125 percent") {
    CHECK(Backoff().failed(0s, 0.0) == 375ms);
    CHECK(Backoff().failed(0s, 1.0) == 625ms);
  }

  TEST_CASE("backoff: the first death of one that served costs no wait") {
    Backoff b;
    CHECK(b.failed(1ms, 0.5) == 0s);
    CHECK(b.failed(1ms, 0.5) == 1s);
    CHECK(b.failures() == 2);
  }

  TEST_CASE("backoff: serving long enough, or a reset, forgives") {
    Backoff b;
    b.failed(0s, 0.5);
    b.failed(0s, 0.5);
    CHECK(b.failed(10s, 0.5) == 0s);
    CHECK(b.failures() == 1);
    b.reset();
    CHECK(b.failed(0s, 0.5) == 500ms);
  }
}
