#include "router/stats_page.h"

#include <doctest/doctest.h>

using namespace router;
using namespace std::chrono_literals;

TEST_SUITE("router") {
  TEST_CASE("stats: uWSGI's fields, with the sums of all processes") {
    Subscriptions subscriptions({});
    wire::Subscription packet;
    packet.key = "a.example";
    packet.address = "127.0.0.1:9";
    packet.weight = 2;
    const base::Instant now = base::Clock::now();
    subscriptions.apply(packet, now);
    const NodeFinder finder(subscriptions, {.fixed = {"/run/one.sock"}});
    wire::RouterFigures figures;
    figures.sessions = 4;
    figures.hits["a.example"] = 5;
    figures.nodes[{"a.example", "127.0.0.1:9"}] = {
        .requests = 5, .running = 1, .failures = 2, .sent = 30, .received = 40};
    figures.nodes[{"", "/run/one.sock"}].requests = 6;
    figures.hosts["a.example"].requests = 5;
    figures.hosts["x\xff"].requests = 1;
    const std::string page = stats_json({.addresses = {"/run/router.sock"},
                                         .subscriptions = subscriptions,
                                         .finder = finder,
                                         .hears_subscriptions = true,
                                         .figures = figures,
                                         .now = now});
    for (const char* part :
         {"\"active_sessions\": 4", "\"/run/router.sock\"", "\"key\": \"a.example\"",
          "\"hash\": 11383", "\"hits\": 5", "\"name\": \"127.0.0.1:9\"", "\"tx\": 40",
          "\"rx\": 30", "\"ref\": 1", "\"failcnt\": 2", "\"weight\": 2",
          "\"proto\": \"uwsgi\"", "\"algo\": \"wrr\"", "\"static_nodes\"", "\"hits\": 6",
          "\"cheap\": 0"}) {
      CAPTURE(part);
      CHECK(page.find(part) != page.npos);
    }
  }

  TEST_CASE("stats: what is not configured is not there") {
    const Subscriptions subscriptions({});
    Subscriptions none({});
    const NodeFinder finder(none);
    const wire::RouterFigures figures;
    const std::string page = stats_json({.addresses = {},
                                         .subscriptions = subscriptions,
                                         .finder = finder,
                                         .figures = figures,
                                         .now = base::Clock::now()});
    CHECK(page.find("static_nodes") == page.npos);
    CHECK(page.find("\"subscriptions\"") == page.npos);
  }
}
