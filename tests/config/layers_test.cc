#include "vassal/layers.h"

#include <doctest/doctest.h>

using base::Setting;
using vassal::fit_layer;
using vassal::Placeholders;

TEST_SUITE("config") {
  TEST_CASE("layers: defaults speak of the vassal they are fitted to") {
    const std::vector<Setting> defaults = {
        {"logto", "/log/%(:N).log", {"/etc/d.ini", 2}},
        {"chdir", "/srv/%(customer)", {"/etc/d.ini", 3}},
        {"log-format", "%(uri) %(:x", {"/etc/d.ini", 4}}};
    const std::vector<Setting> own = {{"customer", "alice", {"/v/site.ini", 1}}};
    const auto fitted =
        fit_layer(defaults, "/v/site.ini", own, Placeholders::from_vassal);
    CHECK(fitted[0].value == "/log/site.log");
    CHECK(fitted[1].value == "/srv/alice");
    CHECK(fitted[2].value == "%(uri) %(:x");
    CHECK(fitted[0].origin == defaults[0].origin);
  }

  TEST_CASE("layers: a policy takes nothing that a tenant wrote") {
    const std::vector<Setting> policy = {{"memory-max", "%(mine)", {"/etc/p.ini", 2}},
                                         {"logto", "%(:D)%(:N)", {"/etc/p.ini", 3}}};
    const std::vector<Setting> own = {{"mine", "10G", {"/v/site.ini", 1}}};
    const auto fitted = fit_layer(policy, "/v/site.ini", own, Placeholders::own_only);
    CHECK(fitted[0].value == "%(mine)");
    CHECK(fitted[1].value == "/v/site");
  }

  TEST_CASE("layers: a tenant cannot blow a default up") {
    std::string often;
    for (int i = 0; i < 2000; ++i)
      often += "%(big)";
    const std::vector<Setting> own = {
        {"big", std::string(60000, 'x'), {"/v/site.ini", 1}}};
    const auto fitted = fit_layer({{"x", often, {"/etc/d.ini", 1}}}, "/v/site.ini", own,
                                  Placeholders::from_vassal);
    CHECK(fitted[0].value == often);
  }

  TEST_CASE("layers: the operator's own settings speak of the vassal's file") {
    const std::vector<Setting> own = {{"customer", "alice", {"/v/site.ini", 1}}};
    const auto fitted = vassal::fit_settings(
        {{"socket", "/run/%(customer)/%n.sock"}, {"logto", "%d%s.log"}}, "/v/site.ini",
        own);
    REQUIRE(fitted.size() == 2);
    CHECK(fitted[0].value == "/run/alice/site.sock");
    CHECK(fitted[1].value == "/v/site.ini.log");
    CHECK(fitted[0].origin.text() == "vassal-set");
    CHECK(fitted[0].placeholder);
  }
}
