// Who comes in by HTTP: what a load balancer says of its clients, and how many each may
// have. The peers of these tests are unix sockets.
#include <doctest/doctest.h>

#include "tests/router/router_world.h"

namespace {

using router_test::LeakGuard;
using router_test::Peer;
using router_test::RouterWorld;
using namespace std::chrono_literals;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

std::string line(const std::string& address) {
  return "PROXY TCP4 " + address + " 10.0.0.1 4711 443\r\n";
}

router::Options behind_balancer() {
  router::Options options;
  options.proxy_protocol_from.add("unix");
  return options;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("http door: the balancer's word is the client's address, however it comes") {
    const LeakGuard guard;
    RouterWorld world(behind_balancer());
    world.one_site();
    const std::string sent = line("192.0.2.1") + kGet;
    for (size_t cut = 0; cut < sent.size(); cut += 7) {
      CAPTURE(cut);
      Peer client = world.browser(sent.substr(0, cut));
      client.send(sent.substr(cut));
      const auto taken = world.take();
      REQUIRE(taken);
      CHECK(taken->variable("REMOTE_ADDR") == "192.0.2.1");
      CHECK(taken->variable("REMOTE_PORT") == "4711");
      CHECK(taken->variable("SERVER_PORT") == "443");
      CHECK(taken->variable("REQUEST_SCHEME") == "http");
      CHECK(taken->variable("HTTPS") == "(none)");
    }
  }

  TEST_CASE("http door: a balancer that says nothing good is left") {
    const LeakGuard guard;
    auto options = behind_balancer();
    options.header_timeout = 0s;
    RouterWorld world(options);
    world.one_site();
    for (const std::string& sent : {kGet, line("192.0.2.1111") + kGet, line("::1")}) {
      Peer client = world.browser(sent);
      CHECK(client.at_end());
      CHECK(client.received().empty());
    }
    Peer silent = world.browser("PROXY TCP4");
    REQUIRE(world.until([&] { return silent.at_end(); }));
    Peer gone = world.browser("PROXY TCP4");
    gone.close();
    world.settle();
    CHECK_FALSE(world.take());
  }

  TEST_CASE("http door: without a balancer its header is no request") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer client = world.browser(line("192.0.2.1") + kGet);
    REQUIRE(world.until([&] { return client.at_end(); }));
    CHECK(client.received().starts_with("HTTP/1.1 400"));
  }

  TEST_CASE("http door: one client has so many connections, another his own") {
    const LeakGuard guard;
    auto options = behind_balancer();
    options.connections_per_peer = 2;
    RouterWorld world(options);
    world.one_site();
    std::optional<Peer> first = world.browser(line("192.0.2.1"));
    Peer second = world.browser(line("192.0.2.1"));
    Peer third = world.browser(line("192.0.2.1") + kGet);
    CHECK(third.at_end());
    CHECK(third.received().starts_with("HTTP/1.1 503"));
    Peer other = world.browser(line("192.0.2.2") + kGet);
    CHECK(world.take());
    Peer balancer = world.browser("PROXY UNKNOWN\r\n" + kGet);
    CHECK(world.take());
    first.reset();
    world.settle();
    Peer again = world.browser(line("192.0.2.1") + kGet);
    CHECK(world.take());
  }

  TEST_CASE("http door: this machine's own are not counted unless it is asked for") {
    const LeakGuard guard;
    auto options = behind_balancer();
    RouterWorld world(options);
    world.one_site();
    std::vector<Peer> held;
    for (int i = 0; i < 300; ++i)
      held.push_back(world.browser(line("127.0.0.1")));
    for (int i = 0; i < 256; ++i)
      held.push_back(world.browser(line("192.0.2.1")));
    Peer more = world.browser(line("127.0.0.1") + kGet);
    CHECK(world.take());
    Peer too_many = world.browser(line("192.0.2.1") + kGet);
    CHECK(too_many.at_end());
  }

  TEST_CASE("http door: whoever waits the longest makes room for who comes") {
    const LeakGuard guard;
    RouterWorld world({}, 12);
    world.one_site();
    Peer busy = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(taken);
    std::vector<Peer> idle;
    for (int i = 0; i < 30; ++i) {
      idle.push_back(world.browser());
      REQUIRE(world.until(
          [&] { return i < 10 || idle[static_cast<size_t>(i) - 10].at_end(); }));
    }
    CHECK_FALSE(idle.back().at_end());
    idle.back().send(kGet);
    CHECK(world.take());
    CHECK_FALSE(busy.at_end());
    Peer newcomer = world.browser(kGet);
    REQUIRE(world.until([&] { return world.take().has_value(); }));
  }

  TEST_CASE("http door: who has not said who he is does not hold up the end") {
    const LeakGuard guard;
    RouterWorld world(behind_balancer());
    world.one_site();
    Peer newcomer = world.browser("PROXY TC");
    world.router().drain();
    world.settle();
    CHECK(newcomer.at_end());
  }
}
