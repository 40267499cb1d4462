#include "emperor/keeper.h"

#include <doctest/doctest.h>

#include "emperor/heritage.h"
#include "emperor/holding.h"
#include "emperor/router_link.h"

TEST_SUITE("emperor") {
  TEST_CASE("heritage: one argument, and nothing else looks like it") {
    using emperor::Heritage;
    Heritage given;
    given.channel = 5;
    given.lock = 6;
    given.role = Heritage::Role::candidate;
    given.stand_in = true;
    given.installed = "/opt/a:b/emperor";
    Heritage out;
    CHECK(Heritage::parse(given.argument(), &out));
    CHECK(out.channel == 5);
    CHECK(out.lock == 6);
    CHECK(out.role == Heritage::Role::candidate);
    CHECK(out.stand_in);
    CHECK(out.installed == "/opt/a:b/emperor");
    for (const char* text :
         {"", "--proper", "--proper=", "--proper=x:1", "--proper=1:2", "--run-dir=/x",
          "--proper=1:2:king:0:/x", "--proper=1:2:keeper:x:/x"}) {
      CAPTURE(text);
      CHECK_FALSE(Heritage::parse(text, &out));
    }
  }

  TEST_CASE("store: every name survives the alphabet of the service manager") {
    for (const std::string name : {"listener/router/uwsgi//run/x.sock",
                                   "pidfd\nalice/site\n12", "a:b%c", "\xc3\xa4 \x7f"}) {
      CAPTURE(name);
      const auto stored = emperor::store_name(name);
      REQUIRE(stored);
      CHECK(stored->find_first_of(": \n") == std::string::npos);
      CHECK(emperor::name_in_store(*stored) == name);
    }
    CHECK_FALSE(emperor::store_name(std::string(300, 'x')));
    for (const char* foreign : {"stored", "imperium.%", "imperium.%0", "imperium.%zz"}) {
      CAPTURE(foreign);
      CHECK_FALSE(emperor::name_in_store(foreign));
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
