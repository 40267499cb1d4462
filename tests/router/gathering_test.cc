#include "router/gathering.h"

#include <vector>

#include <doctest/doctest.h>

#include "base/uv/task_group.h"
#include "base/wire/router_control.h"

using namespace router;

namespace {

struct World {
  uvx::Loop loop;
  uvx::TaskGroup tasks{loop};
  std::vector<wire::Message> told;
  Gathering gathering{loop, [this](const wire::Message& m) {
                        told.push_back(m);
                      }};
  std::optional<wire::RouterFigures> answer;

  void ask() { tasks.spawn(run(this)); }
  static uvx::Task<void> run(World* self) {
    wire::RouterFigures own;
    own.sessions = 1;
    self->answer = co_await self->gathering.ask(std::move(own));
  }
  void let_run() {
    for (int i = 0; i < 5; ++i)
      loop.run_ready();
  }
  void hear(std::string serial, uint64_t sessions, bool last = true) {
    wire::Message m{"figures", {}};
    m.set("serial", std::move(serial)).set("sessions", sessions);
    if (last) m.set("last", "1");
    gathering.hear(m);
  }
  void asked(uint64_t count) {
    wire::Message m{wire::router_control::kAsked, {}};
    gathering.hear(m.set("serial", "1").set("count", count));
  }
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("gathering: adds up what the others say, each of them once") {
    World world;
    world.ask();
    REQUIRE(world.told.size() == 1);
    CHECK(world.told[0].verb == wire::router_control::kAskFigures);
    world.hear("1", 10, false);
    world.asked(2);
    world.hear("1", 0);
    world.hear("7", 100);  // of another question
    world.let_run();
    CHECK_FALSE(world.answer);
    world.hear("1", 20);
    world.let_run();
    REQUIRE(world.answer);
    CHECK(world.answer->sessions == 31);
    world.loop.run(world.tasks.join());
  }

  TEST_CASE("gathering: who is alone, or whose sibling is silent, has an answer, too") {
    World world;
    world.ask();
    world.asked(0);
    world.let_run();
    REQUIRE(world.answer);
    CHECK(world.answer->sessions == 1);
    World other;
    other.ask();
    other.asked(1);
    other.loop.run(other.tasks.join());
    CHECK(other.answer->sessions == 1);
    world.loop.run(world.tasks.join());
  }
}
