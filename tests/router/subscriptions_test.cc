#include "router/subscriptions.h"

#include <map>

#include <doctest/doctest.h>

#include "router/node_finder.h"

using namespace std::chrono_literals;
using router::Subscriptions;
using Outcome = Subscriptions::Outcome;

namespace {

/// A table of subscriptions with a clock of its own.
struct Table {
  explicit Table(router::SubscriptionRules rules = {}) : nodes(rules) {}

  Outcome hear(std::string_view key,
               std::string_view address,
               uint64_t weight = 1,
               uint64_t backup = 0) {
    wire::Subscription packet;
    packet.key = key;
    packet.address = address;
    packet.weight = weight;
    packet.backup = backup;
    return nodes.apply(packet, now);
  }
  Outcome leave(std::string_view key, std::string_view address) {
    wire::Subscription packet;
    packet.key = key;
    packet.address = address;
    packet.leave = true;
    return nodes.apply(packet, now);
  }
  std::string ask(std::string_view host, uint64_t client = 0) {
    const auto finding = nodes.find(host, now, client);
    return finding.node ? (*finding.node)->address : "";
  }
  router::Verdict verdict(std::string_view host) {
    return nodes.find(host, now, 0).verdict;
  }
  std::map<std::string, int> ask_often(std::string_view host, int times) {
    std::map<std::string, int> count;
    for (int i = 0; i < times; ++i)
      ++count[ask(host)];
    return count;
  }

  Subscriptions nodes;
  base::Instant now = base::Clock::now();
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("subscriptions: requests go by weight, in turn") {
    Table table;
    CHECK(table.hear("a", "heavy", 3) == Outcome::added);
    CHECK(table.hear("a", "light", 1) == Outcome::added);
    auto count = table.ask_often("a", 40);
    CHECK(count["heavy"] == 30);
    CHECK(count["light"] == 10);
  }

  TEST_CASE(
      "subscriptions: a node that is silent for longer than the tolerance is gone") {
    Table table;
    table.hear("a", "one");
    table.hear("a", "two");
    table.now += 10s;
    CHECK(table.hear("a", "two") == Outcome::refreshed);
    table.now += 10s;
    CHECK(table.ask_often("a", 4)["two"] == 4);
    table.now += 20s;
    CHECK(table.ask("a") == "");
    CHECK(table.nodes.size() == 0);
  }

  TEST_CASE("subscriptions: who leaves or fails gets nothing until it is heard again") {
    Table table;
    table.hear("a", "one");
    table.hear("a", "two");
    CHECK(table.leave("a", "one") == Outcome::left);
    CHECK(table.leave("a", "nobody") == Outcome::unknown);
    CHECK(table.ask_often("a", 4)["two"] == 4);
    {
      const auto finding = table.nodes.find("a", table.now, 0);
      REQUIRE(finding.node);
      router::NodeFinder(table.nodes).failed(**finding.node, table.now);
      CHECK(table.ask("a") == "");
    }
    CHECK(table.hear("a", "two") == Outcome::added);
    CHECK(table.ask("a") == "two");
  }

  TEST_CASE("subscriptions: backup nodes serve only while no other is alive") {
    Table table;
    table.hear("a", "spare", 1, 1);
    table.hear("a", "first");
    CHECK(table.ask_often("a", 5)["first"] == 5);
    table.leave("a", "first");
    CHECK(table.ask("a") == "spare");
  }

  TEST_CASE("subscriptions: the least busy node, absolute or for its weight") {
    for (const auto algorithm : {router::Algorithm::lrc, router::Algorithm::wlrc}) {
      Table table({.algorithm = algorithm});
      table.hear("a", "big", 4);
      table.hear("a", "small", 1);
      std::vector<router::Lease> running;
      std::map<std::string, int> count;
      for (int i = 0; i < 10; ++i) {
        running.push_back(*std::move(table.nodes.find("a", table.now, 0).node));
        ++count[running.back()->address];
      }
      CHECK(count["big"] == (algorithm == router::Algorithm::lrc ? 5 : 8));
    }
  }

  TEST_CASE("subscriptions: iphash gives a client the same node each time") {
    Table table({.algorithm = router::Algorithm::iphash});
    table.hear("a", "one");
    table.hear("a", "two");
    CHECK(table.ask("a", 6) == "one");
    CHECK(table.ask("a", 6) == "one");
    CHECK(table.ask("a", 7) == "two");
  }

  TEST_CASE("subscriptions: keys are names in any case; dotsplit finds the suffix") {
    Table plain;
    plain.hear("Shop.Example.COM", "shop");
    plain.hear(".example.com", "rest");
    CHECK(plain.ask("shop.example.com") == "shop");
    CHECK(plain.ask("other.example.com") == "");
    Table split({.dotsplit = true});
    split.hear(".example.com", "rest");
    CHECK(split.ask("a.b.example.com") == "rest");
    CHECK(split.ask(".example.com") == "rest");
    CHECK(split.ask("example.com") == "");
    CHECK(split.ask("1.2.3.4.5.6.7.example.com") == "");
  }

  TEST_CASE("subscriptions: their number is bounded") {
    Table table({.most_keys = 1, .most_nodes = 1});
    table.hear("a", "one");
    CHECK(table.hear("b", "one") == Outcome::refused);
    CHECK(table.hear("a", "two") == Outcome::refused);
    CHECK(table.hear("a", "one") == Outcome::refreshed);
    table.now += 20s;
    CHECK(table.hear("b", "one") == Outcome::added);  // nobody asked for "a", and it went
  }

  TEST_CASE("subscriptions: one key does not take all the room there is") {
    Table table({.most_running = 2});
    table.hear("a", "one");
    table.hear("b", "one");
    const auto first = table.nodes.find("a", table.now, 0);
    const auto second = table.nodes.find("a", table.now, 0);
    CHECK(second.verdict == router::Verdict::found);
    CHECK(table.verdict("a") == router::Verdict::full);
    CHECK(table.verdict("b") == router::Verdict::found);
    CHECK(table.verdict("c") == router::Verdict::unknown);
  }

  TEST_CASE("subscriptions: so many nodes in all, until some are gone") {
    Table table({.most_in_all = 3});
    CHECK(table.hear("a", "1") == Outcome::added);
    CHECK(table.hear("a", "2") == Outcome::added);
    CHECK(table.hear("b", "1") == Outcome::added);
    CHECK(table.hear("c", "1") == Outcome::refused);
    CHECK(table.hear("a", "3") == Outcome::refused);
    CHECK(table.hear("b", "1") == Outcome::refreshed);
    table.leave("a", "1");
    table.now += 1s;
    CHECK(table.hear("c", "1") == Outcome::added);
    CHECK(table.hear("c", "2") == Outcome::refused);
    table.now += 20s;  // all are gone
    CHECK(table.hear("c", "2") == Outcome::added);
  }

  TEST_CASE("subscriptions: so many bytes are kept for newcomers") {
    Table table({.most_kept = 6000});
    const std::string datagram(2500, 'x');
    const auto kept = [&](std::string_view key) {
      wire::Subscription packet;
      packet.key = key;
      packet.address = "1";
      table.nodes.keep(packet, datagram);
      return !table.nodes.pools().at(std::string(key)).nodes().front()->datagram.empty();
    };
    for (const char* key : {"a", "b", "c"})
      table.hear(key, "1");
    CHECK(kept("a"));
    CHECK(kept("b"));
    CHECK_FALSE(kept("c"));
    CHECK(kept("b"));
    table.leave("a", "1");
    table.now += 1s;
    table.hear("d", "1");
    CHECK(kept("c"));
  }

  TEST_CASE("subscriptions: by which key a name is served") {
    Table table({.dotsplit = true});
    table.hear("a.example", "1");
    table.hear(".wild.example", "1");
    CHECK(table.nodes.key_of("a.example") == "a.example");
    CHECK(table.nodes.key_of("x.y.wild.example") == ".wild.example");
    CHECK(table.nodes.key_of("b.example").empty());
    CHECK(table.nodes.key_of("").empty());
  }
}
