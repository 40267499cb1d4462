#include "router/node_finder.h"

#include <map>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using router::FinderRules;
using router::Node;
using router::NodeFinder;
using router::NodeQuery;
using router::Verdict;

namespace {

/// A finder, the subscriptions below it, and a clock.
struct World {
  explicit World(const FinderRules& rules, router::SubscriptionRules subscribed = {})
      : nodes(subscribed), finder(nodes, rules) {}

  void hear(std::string_view key, std::string_view address, std::string_view proto = "") {
    finder.use_subscriptions();
    wire::Subscription packet;
    packet.key = key;
    packet.address = address;
    packet.proto = proto;
    static_cast<void>(nodes.apply(packet, now));
  }
  /// The address that a request gets, or the verdict in brackets.
  std::string ask(const std::string& key, const std::string& host) {
    NodeQuery query{.key = key, .host = host};
    return word(finder.find(query, 0, now));
  }
  std::string ask(const std::string& host) { return ask(host, host); }
  /// Everybody who is asked in turn while no connection can be made.
  std::string ask_the_dead(const std::string& key, const std::string& host) {
    NodeQuery query{.key = key, .host = host};
    std::string all;
    for (unsigned tries = 0; tries < 20; ++tries) {
      const auto finding = finder.find(query, tries, now);
      all += (all.empty() ? "" : " ") + word(finding);
      if (!finding.node) break;
      finder.failed(**finding.node, now);
    }
    return all;
  }
  static std::string word(const router::Finding& finding) {
    switch (finding.verdict) {
      case Verdict::found:
        return (*finding.node)->address;
      case Verdict::unknown:
        return "(unknown)";
      case Verdict::full:
        return "(full)";
      case Verdict::none:
        return "(none)";
    }
    return {};
  }

  router::Subscriptions nodes;
  NodeFinder finder;
  base::Instant now = base::Clock::now();
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("node finder: nothing configured knows nobody") {
    World world({});
    CHECK_FALSE(world.finder.in_use());
    CHECK_FALSE(world.finder.anybody(world.now));
    CHECK(world.ask("a.example") == "(unknown)");
  }

  TEST_CASE("node finder: a directory of sockets named as hosts, the port first") {
    World world({.base = "/run/sites/"});
    CHECK(world.finder.anybody(world.now));
    CHECK(world.ask("a.example") == "/run/sites/a.example");
    CHECK(world.ask_the_dead("a.example:8000", "a.example") ==
          "/run/sites/a.example:8000 /run/sites/a.example (none)");
    CHECK(world.ask_the_dead("a.example", "a.example") == "/run/sites/a.example (none)");
  }

  TEST_CASE("node finder: only a host name, with a port or without, becomes a path") {
    World world({.base = "/run/sites/"});
    for (const char* key : {"a.example/../../etc", "a.example:../x", "a.example:",
                            "a.example:123456", "../a.example", "b.example:80"})
      CHECK(world.ask(key, "a.example") == "/run/sites/a.example");
    CHECK(world.ask("", "") == "(unknown)");
    CHECK(world.ask(std::string(120, 'a'), std::string(120, 'a')) == "(unknown)");
  }

  TEST_CASE("node finder: a pattern, with what the node speaks in front") {
    World world({.pattern = "http:/run/%s/%s.sock"});
    NodeQuery query{.key = "a", .host = "a"};
    const auto finding = world.finder.find(query, 0, world.now);
    REQUIRE(finding.node);
    CHECK((*finding.node)->address == "/run/a/a.sock");
    CHECK((*finding.node)->protocol == router::Protocol::http);
  }

  TEST_CASE("node finder: one mapper is in use, in uWSGI's order") {
    World world({.pattern = "/p/%s", .base = "/b/", .fixed = {"/f"}});
    world.hear("a", "/s");
    CHECK(world.ask("a") == "/p/a");
    World second({.base = "/b/", .fixed = {"/f"}});
    CHECK(second.ask("a") == "/b/a");
    second.hear("a", "/s");
    CHECK(second.ask("a") == "/s");
    CHECK(second.ask("b") == "(unknown)");
  }

  TEST_CASE("node finder: fixed nodes take turns; one that failed rests for a while") {
    World world({.fixed = {"/one", "http://127.0.0.1:3000/"}, .grace = 30s});
    CHECK(world.ask("a") == "/one");
    CHECK(world.ask("b") == "127.0.0.1:3000");
    CHECK(world.ask("a") == "/one");
    world.finder.failed(*world.finder.fixed()[0], world.now);
    CHECK(world.ask("a") == "127.0.0.1:3000");
    CHECK(world.ask("a") == "127.0.0.1:3000");
    world.finder.failed(*world.finder.fixed()[1], world.now);
    CHECK(world.ask("a") == "(none)");
    world.now += 30s;
    CHECK(world.ask("a") != "(none)");
  }

  TEST_CASE("node finder: fallbacks come in order, when nobody else can be reached") {
    World world({.fallback = {"/f1", "/f2"}});
    world.hear("a", "/one");
    world.hear("a", "/two");
    CHECK(world.ask("unheard") == "(unknown)");
    CHECK(world.ask_the_dead("a", "a") == "/one /two /f1 /f2 (none)");
    // They are dead until they are heard again, and the host is still known.
    CHECK(world.ask("a") == "/f1");
    world.hear("a", "/two");
    CHECK(world.ask("a") == "/two");
  }

  TEST_CASE("node finder: hosts that nobody knows go to the fallback only if told to") {
    World world({.fallback = {"/f1"}, .fallback_for_unknown = true});
    world.hear("a", "/one");
    CHECK(world.ask("unheard") == "/f1");
    World made({.base = "/b/", .fallback = {"/f1"}});
    CHECK(made.ask_the_dead("a", "a") == "/b/a /f1 (none)");
  }

  TEST_CASE("node finder: the number of retries is bounded, the fallback comes after") {
    World world({.fallback = {"/f"}, .most_retries = 1});
    for (const char* node : {"/1", "/2", "/3", "/4"})
      world.hear("a", node);
    CHECK(world.ask_the_dead("a", "a") == "/1 /2 /f (none)");
  }

  TEST_CASE("node finder: a key that serves those without a node, and one for all") {
    World world({.fallback_key = "rest"});
    world.hear("rest", "/rest");
    world.hear("a", "/one");
    CHECK(world.ask("a") == "/one");
    CHECK(world.ask("b") == "/rest");
    World forced({.force_key = "One"});
    forced.hear("one", "/one");
    CHECK(forced.ask("whatever") == "/one");
  }

  TEST_CASE("node finder: a node speaks what its packet says") {
    World world({});
    world.hear("a", "/one", "f");
    NodeQuery query{.key = "a", .host = "a"};
    const auto finding = world.finder.find(query, 0, world.now);
    REQUIRE(finding.node);
    CHECK((*finding.node)->protocol == router::Protocol::fastcgi);
  }

  TEST_CASE("node finder: whether anybody could serve follows who comes and goes") {
    World world({});
    world.finder.use_subscriptions();
    CHECK_FALSE(world.finder.anybody(world.now));
    world.hear("a", "/one");
    CHECK(world.finder.anybody(world.now));
    world.now += 18s;
    CHECK_FALSE(world.finder.anybody(world.now));
    CHECK(world.nodes.size() == 0);
  }

  TEST_CASE("node finder: a node that left finishes what it has, and gets no more") {
    World world({});
    world.hear("a", "/one");
    NodeQuery query{.key = "a", .host = "a"};
    {
      const auto running = world.finder.find(query, 0, world.now);
      wire::Subscription leave;
      leave.key = "a";
      leave.address = "/one";
      leave.leave = true;
      static_cast<void>(world.nodes.apply(leave, world.now));
      CHECK(world.ask("a") == "(none)");
      CHECK(world.nodes.pools().at("a").nodes().size() == 1);
    }
    CHECK(world.ask("a") == "(none)");
    CHECK(world.nodes.pools().at("a").nodes().empty());
    world.now += 18s;
    CHECK(world.ask("a") == "(unknown)");
  }
}
