#include "emperor/snapshot.h"

#include <doctest/doctest.h>

using emperor::decode_snapshot;
using emperor::encode_snapshot;
using emperor::Snapshot;

namespace {

Snapshot example() {
  Snapshot s;
  s.name = "alice/site";
  s.id = 7;
  s.path = "/etc/vassals/alice/site.ini";
  s.file_name = "alice/site";
  s.source = 1;
  s.identity = {1, 2, 3, -4, 5};
  s.rules = 0xcbf29ce484222325;
  s.life = {emperor::State::reloading, 9, 7, 9, {3, 5}, 4, false, true, 6, true,
            base::from_wire(77)};
  s.deaths = {{1700000000, 8, emperor::DeathKind::signalled, "signal 9", "a line\n"},
              {1700000009, 9, emperor::DeathKind::application, "no app", ""}};
  s.file_error = "line 3";
  s.last_error = std::string("with a \0 byte", 13);
  s.requests_before = 1'000'000;
  s.oom_kills = 2;
  s.sockets = {{"/run/a.sock", "/run/a.sock", 8, 9}, {"127.0.0.1:0", "", 0, 0}};
  s.generations = {{7, 4711, true, false, 1}, {9, 0, false, false, 0}};
  s.configurations = {std::string(3000, 'n'), "older"};
  return s;
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("snapshot: what goes in comes out") {
    CHECK(*decode_snapshot(encode_snapshot(example())) == example());
    CHECK(*decode_snapshot(encode_snapshot({})) == Snapshot{});
  }

  TEST_CASE("snapshot: cut anywhere, or with something behind it, it is refused") {
    const std::string bytes = encode_snapshot(example());
    for (size_t n = 0; n < bytes.size(); ++n)
      CHECK_FALSE(decode_snapshot(std::string_view(bytes).substr(0, n)));
    CHECK_FALSE(decode_snapshot(bytes + "x"));
  }

  TEST_CASE("snapshot: a generation of a configuration that is not there is refused") {
    Snapshot s = example();
    s.configurations.pop_back();
    CHECK_FALSE(decode_snapshot(encode_snapshot(s)));
  }

  TEST_CASE("life: resumed from its summary it goes on where it was") {
    emperor::Life life;
    const base::Instant now{std::chrono::hours(1)};
    life.on(emperor::Event::changed, now);
    life.on_ready(1, now);
    life.on(emperor::Event::reload, now);
    emperor::Life next;
    next.resume(life.summary(), now);
    CHECK(next.summary() == life.summary());
    const auto orders = next.on_ready(2, now);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0] == emperor::Order{emperor::Order::Kind::drain, 1});
  }
}
