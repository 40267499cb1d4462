// Requests that wait: on the belt, parked, in front of vassals that start, stop, go or
// spoil things.
#include <vector>

#include <doctest/doctest.h>

#include "base/wire/router_figures.h"
#include "tests/router/router_world.h"

using router_test::LeakGuard;
using router_test::packet;
using router_test::Peer;
using router_test::RouterWorld;
using namespace std::chrono_literals;

namespace {

std::string request(const std::string& host = "a.example",
                    const std::string& path = "/") {
  return packet({{"HTTP_HOST", host}, {"PATH_INFO", path}});
}

std::vector<Peer> crowd(RouterWorld& world, int count) {
  std::vector<Peer> peers;
  for (int i = 0; i < count; ++i)
    peers.push_back(world.nginx(request("a.example", "/" + std::to_string(i))));
  return peers;
}

int told(std::vector<Peer>& peers, std::string_view status) {
  int n = 0;
  for (Peer& peer : peers)
    n += peer.received().substr(0, 12).ends_with(status) ? 1 : 0;
  return n;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("waiting: more than the belt holds is parked, and all are served in order") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 300);
    for (int i = 0; i < 300; ++i) {
      std::optional<router_test::Taken> taken;
      REQUIRE(world.until([&] { return (taken = world.take()).has_value(); }));
      CHECK(taken->variable("PATH_INFO") == "/" + std::to_string(i));
      taken->peer.send("HTTP/1.1 200 OK\r\n\r\n");
    }
    CHECK(told(peers, "200") == 300);
  }

  TEST_CASE("waiting: the belt holds no more than 64") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 100);
    int taken = 0;
    // Straight from the channel, without a turn of the loop that would move others on.
    std::vector<char> buffer(wire::kMaxHandoff);
    while (base::receive_with_fds(world.worker_end(1), buffer))
      ++taken;
    CHECK(taken <= 64);
    CHECK(taken >= 30);
  }

  TEST_CASE(
      "waiting: nobody takes them: all are told 503 in time, on the belt or parked") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"queue-timeout", 1}});
    world.state(1, "starting");
    auto peers = crowd(world, 200);
    CHECK(told(peers, "503") == 0);
    REQUIRE(world.until([&] { return told(peers, "503") == 200; }));
    CHECK(peers.front().received().find("Retry-After: 5\r\n") != std::string::npos);
    CHECK_FALSE(world.take());
  }

  TEST_CASE("waiting: who would have given up before the next try is told so at once") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"queue-timeout", 10}});
    world.state(1, "backoff", 17);
    auto peers = crowd(world, 20);
    CHECK(told(peers, "503") == 20);
    CHECK(peers.front().received().find("Retry-After: 17\r\n") != std::string::npos);
    world.state(1, "backoff", 3);
    auto patient = crowd(world, 20);
    CHECK(told(patient, "503") == 0);
    CHECK(world.take());
  }

  TEST_CASE(
      "waiting: beyond queue-max it is 503 at once, and the neighbour is not touched") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"queue-max", 10}});
    world.vassal(2);
    world.route("b.example", 2);
    auto peers = crowd(world, 100);
    const int refused = told(peers, "503");
    CHECK(refused >= 100 - 64 - 10);
    CHECK(refused <= 100 - 30 - 10);
    Peer neighbour = world.nginx(request("b.example"));
    CHECK(world.take(2));
  }

  TEST_CASE("waiting: who hangs up while parked is not handed over") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 100);
    for (int i = 64; i < 100; ++i)
      peers[static_cast<size_t>(i)].close();
    int served = 0;
    int quiet = 0;
    const auto take_one = [&] {
      auto taken = world.take();
      served += taken ? 1 : 0;
      return !taken && ++quiet > 10;
    };
    CHECK(world.until(take_one));
    CHECK(served >= 30);  // those on the belt were handed over before they hung up
    CHECK(served <= 64);
  }

  TEST_CASE(
      "waiting: a vassal that is removed: its requests are told, its routes are gone") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 150);
    world.remove(1);
    CHECK(told(peers, "503") == 150);
    CHECK_FALSE(world.take());
    CHECK(world.nginx(request()).received().starts_with("HTTP/1.1 404"));
  }

  TEST_CASE("waiting: a stopped vassal is 503 at once, a started one takes again") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    world.state(1, "stopped");
    CHECK(world.nginx(request()).received().starts_with("HTTP/1.1 503"));
    world.state(1, "starting");
    Peer nginx = world.nginx(request());
    CHECK(nginx.received().empty());
    CHECK(world.take());
  }

  TEST_CASE("waiting: a new channel takes over what lay on the old one, in order") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 100);
    world.vassal(1);
    for (int i = 0; i < 100; ++i) {
      std::optional<router_test::Taken> taken;
      REQUIRE(world.until([&] { return (taken = world.take()).has_value(); }));
      CHECK(taken->variable("PATH_INFO") == "/" + std::to_string(i));
    }
  }

  TEST_CASE("waiting: a spoiled channel is reported once, and a fresh one carries on") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    while (world.heard()) {
    }
    ::shutdown(world.worker_end(1), SHUT_RDWR);
    auto peers = crowd(world, 3);
    const auto message = world.heard();
    REQUIRE(message);
    CHECK(message->verb == wire::router_control::kSpoiled);
    CHECK(message->number("id") == 1);
    CHECK_FALSE(world.heard());
    CHECK(peers.front().received().empty());
    world.vassal(1);
    for (int i = 0; i < 3; ++i)
      CHECK(world.take());
  }

  TEST_CASE("waiting: a vassal without a channel gets one when somebody waits for it") {
    const LeakGuard guard;
    RouterWorld world;
    world.tell(wire::Message{wire::router_control::kVassal, {}}.set("id", uint64_t{1}));
    world.route("a.example", 1);
    world.state(1, "asleep");
    world.synced();
    while (world.heard()) {
    }
    auto peers = crowd(world, 3);
    const auto message = world.heard();
    REQUIRE(message);
    CHECK(message->verb == wire::router_control::kWanted);
    CHECK(message->number("id") == 1);
    CHECK_FALSE(world.heard());
    world.vassal(1);
    for (int i = 0; i < 3; ++i)
      CHECK(world.take());
  }

  TEST_CASE("waiting: who waits for a vassal that does not start is told so at once") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    auto peers = crowd(world, 100);  // on the belt, and parked
    world.tell(wire::Message{wire::router_control::kState, {}}
                   .set("id", uint64_t{1})
                   .set("state", "backoff")
                   .set("retry-after", uint64_t{7})
                   .set("dismiss", "1"));
    for (Peer& peer : peers) {
      REQUIRE(world.until([&] { return peer.at_end(); }));
      CHECK(peer.received().find(" 503 ") != std::string::npos);
      CHECK(peer.received().find("Retry-After: 7\r\n") != std::string::npos);
    }
    CHECK_FALSE(world.take());
  }

  TEST_CASE("waiting: nobody is kept for a start that comes after his deadline") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"queue-timeout", 5}});
    world.state(1, "backoff", 60);
    auto refused = crowd(world, 1);
    REQUIRE(world.until([&] { return refused.front().at_end(); }));
    CHECK(refused.front().received().find("Retry-After: 60\r\n") != std::string::npos);
    world.state(1, "backoff", 1);
    auto kept = crowd(world, 1);
    CHECK(world.take());
  }

  TEST_CASE(
      "waiting: the figures tell what was handed over, parked, expired and refused") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"queue-max", 5}});
    auto peers = crowd(world, 80);
    while (world.heard()) {
    }
    world.tell({wire::router_control::kAskFigures, {}});
    const auto figures = world.heard();
    REQUIRE(figures);
    CHECK(figures->verb == wire::router_control::kFigures);
    wire::RouterFigures heard;
    REQUIRE(wire::hear(*figures, &heard) == wire::Heard::last);
    CHECK(heard.parked[1] == 5);
    const wire::Tally& vassal = heard.vassals[1];
    CHECK(vassal.requests == 80);
    CHECK(vassal.handed_over + vassal.refused == 80);
    CHECK(vassal.causes[static_cast<size_t>(wire::Cause::queue_max)] == vassal.refused);
  }

  TEST_CASE("control: hello and up are said, and the emperor's end means to finish") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    CHECK(world.heard()->verb == wire::router_control::kHello);
    CHECK(world.heard()->verb == wire::router_control::kUp);
    Peer nginx = world.nginx(request());
    world.emperor_dies();
    CHECK(world.take());
  }

  TEST_CASE("control: nonsense from the channel does nothing") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    world.tell({"dance", {{"id", "1"}}});
    world.tell({wire::router_control::kListen, {{"kind", "gopher"}}});
    world.tell({wire::router_control::kVassal, {{"id", "x"}}});
    world.tell({wire::router_control::kState, {{"id", "77"}, {"state", "ready"}}});
    world.tell({wire::router_control::kRoute, {{"id", "1"}}});
    world.tell({wire::router_control::kRemove, {}});
    Peer nginx = world.nginx(request());
    CHECK(world.take());
  }
}
