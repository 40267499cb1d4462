#include "vassal/spawn_plan.h"

#include <algorithm>

#include <doctest/doctest.h>

using vassal::Identity;
using vassal::SpawnFacts;
using vassal::VassalConfig;

namespace {

SpawnFacts root_facts() {
  SpawnFacts facts;
  facts.program = "/usr/bin/vassal";
  facts.name = "alice/site";
  facts.user.name = "alice";
  facts.user.home = "/home/alice";
  facts.user.primary_gid = 1001;
  facts.user.groups = {1001, 33};
  return facts;
}

VassalConfig alice() {
  VassalConfig config;
  config.uid = 1001;
  return config;
}

}  // namespace

TEST_SUITE("spawn") {
  TEST_CASE("spawn_plan: a vassal becomes its user with that user's groups") {
    const auto plan = make_spawn_plan(alice(), root_facts(), {});
    REQUIRE(plan);
    CHECK(plan->identity == Identity{1001, 1001, {1001, 33}});
    CHECK(plan->oom_score_adj == 500);
    CHECK(plan->parent == vassal::Parent::ours);
  }

  TEST_CASE("spawn_plan: gid, add-gid and no-initgroups") {
    VassalConfig config = alice();
    config.gid = 2000;
    config.add_gids = {33, 44};
    CHECK(make_spawn_plan(config, root_facts(), {})->identity ==
          Identity{1001, 2000, {1001, 33, 44}});
    config.no_initgroups = true;
    CHECK(make_spawn_plan(config, root_facts(), {})->identity ==
          Identity{1001, 2000, {33, 44}});
    config.add_gids = {};
    CHECK(make_spawn_plan(config, root_facts(), {})->identity ==
          Identity{1001, 2000, {}});
  }

  TEST_CASE("spawn_plan: root is refused unless the operator allows it") {
    VassalConfig config;
    const auto without_uid = make_spawn_plan(config, root_facts(), {});
    REQUIRE_FALSE(without_uid);
    CHECK(without_uid.error().message() ==
          "no uid is set: a vassal does not run as root");
    config.uid = 0;
    REQUIRE_FALSE(make_spawn_plan(config, root_facts(), {}));
    config.uid = 1001;
    config.gid = 0;
    REQUIRE_FALSE(make_spawn_plan(config, root_facts(), {}));
    SpawnFacts facts = root_facts();
    facts.root_allowed = true;
    config.uid = 0;
    CHECK(make_spawn_plan(config, facts, {})->identity->uid == 0);
  }

  TEST_CASE("spawn_plan: without privileges only oneself is possible") {
    SpawnFacts facts = root_facts();
    facts.our_uid = 1001;
    facts.our_gid = 1001;
    CHECK_FALSE(make_spawn_plan(alice(), facts, {})->identity);
    CHECK_FALSE(make_spawn_plan({}, facts, {})->identity);
    VassalConfig other;
    other.uid = 1002;
    const auto plan = make_spawn_plan(other, facts, {});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().is(std::errc::operation_not_permitted));
  }

  TEST_CASE("spawn_plan: descriptors follow the standard ones and are named in argv") {
    vassal::VassalFds fds;
    fds.config = 50;
    fds.lifeline = 51;
    fds.handoff = 52;
    fds.scoreboard = 53;
    fds.output = 54;
    fds.sockets = {{60, "/run/a.sock"}, {61, "127.0.0.1:80"}};
    const auto plan = make_spawn_plan(alice(), root_facts(), fds);
    REQUIRE(plan);
    CHECK(plan->argv == std::vector<std::string>{
                            "/usr/bin/vassal", "--name=alice/site", "--config-fd=3",
                            "--lifeline-fd=4", "--handoff-fd=5", "--scoreboard-fd=6",
                            "--socket-fd=7:/run/a.sock", "--socket-fd=8:127.0.0.1:80"});
    CHECK(plan->fds ==
          std::vector<vassal::FdMapping>{
              {54, 1}, {54, 2}, {50, 3}, {51, 4}, {52, 5}, {53, 6}, {60, 7}, {61, 8}});
  }

  TEST_CASE("spawn_plan: what is not given is not passed") {
    const auto plan = make_spawn_plan(alice(), root_facts(), {});
    CHECK(plan->argv.size() == 2);
    CHECK(plan->fds.empty());
  }

  TEST_CASE("spawn_plan: limits of the process itself") {
    VassalConfig config = alice();
    CHECK(make_spawn_plan(config, root_facts(), {})->rlimits ==
          std::vector<vassal::RlimitRow>{{RLIMIT_CORE, 0},
                                         {RLIMIT_NOFILE, vassal::kUsualFiles, true}});
    config.limit_as_bytes = 1 << 30;
    config.limit_nproc = 20;
    config.max_fd = 4096;
    config.nice = 5;
    config.umask = 027;
    const auto plan = make_spawn_plan(config, root_facts(), {});
    CHECK(plan->rlimits == std::vector<vassal::RlimitRow>{{RLIMIT_CORE, 0},
                                                          {RLIMIT_AS, 1 << 30},
                                                          {RLIMIT_NPROC, 20},
                                                          {RLIMIT_NOFILE, 4096}});
    CHECK(plan->nice == 5);
    CHECK(plan->umask == mode_t{027});
  }

  TEST_CASE("spawn_plan: the environment is small and says who one is") {
    const auto plan = make_spawn_plan(alice(), root_facts(), {});
    CHECK(plan->env.size() == 5);
    CHECK(std::ranges::find(plan->env, "HOME=/home/alice") != plan->env.end());
    CHECK(std::ranges::find(plan->env, "USER=alice") != plan->env.end());
  }
}
