#include "emperor/keeper.h"

#include <doctest/doctest.h>

#include "emperor/router_link.h"

TEST_SUITE("emperor") {
  TEST_CASE(
      "keeper: what it gives its emperor is one argument, and nothing else looks like "
      "it") {
    emperor::Inheritance out;
    CHECK(emperor::Inheritance::parse(emperor::Inheritance{5, 6}.argument(), &out));
    CHECK(out.channel == 5);
    CHECK(out.lock == 6);
    for (const char* text :
         {"", "--proper", "--proper=", "--proper=x:1", "--run-dir=/x"}) {
      CAPTURE(text);
      CHECK_FALSE(emperor::Inheritance::parse(text, &out));
    }
  }

  TEST_CASE("router: hears of every state by one of its own five words") {
    for (int s = 0; s < emperor::kStates; ++s) {
      const auto word = emperor::router_state(static_cast<emperor::State>(s));
      CHECK((word == "ready" || word == "starting" || word == "asleep" ||
             word == "backoff" || word == "stopped"));
    }
    CHECK(emperor::router_state(emperor::State::reloading) == "ready");
  }
}
