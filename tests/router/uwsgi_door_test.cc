// The way of a request from nginx to a worker, or to the page that says why not.
#include "tests/router/router_world.h"

using router_test::LeakGuard;
using router_test::packet;
using router_test::Peer;
using router_test::RouterWorld;
using namespace std::chrono_literals;

namespace {
const std::string kRequest =
    packet({{"HTTP_HOST", "a.example"}, {"REQUEST_METHOD", "GET"}});
}

TEST_SUITE("router") {
  TEST_CASE("uwsgi door: the connection itself goes to the worker, with what was read") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    const std::string request =
        packet({{"HTTP_HOST", "A.example:80"}, {"CONTENT_LENGTH", "9"}}, "half");
    Peer nginx = world.nginx(request);
    auto taken = world.take();
    REQUIRE(taken);
    CHECK(taken->header.kind == wire::HandoffKind::nginx);
    CHECK(taken->header.deadline.at() == taken->header.arrived + 30s);
    CHECK(taken->payload == request);
    nginx.send(" half");
    CHECK(taken->peer.received() == " half");
    taken->peer.send("HTTP/1.1 200 OK\r\n\r\nhi");
    taken->peer.close();
    CHECK(nginx.received() == "HTTP/1.1 200 OK\r\n\r\nhi");
    CHECK(nginx.at_end());
  }

  TEST_CASE("uwsgi door: a head in pieces is waited for, byte by byte") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer nginx = world.nginx("");
    for (const char byte : kRequest) {
      CHECK_FALSE(world.take());
      nginx.send({&byte, 1});
    }
    auto taken = world.take();
    REQUIRE(taken);
    CHECK(taken->payload == kRequest);
  }

  TEST_CASE("uwsgi door: the largest head passes whole") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    const std::string request = packet(
        {{"HTTP_HOST", "a.example"}, {"HTTP_X", std::string(65535 - 4 * 2 - 24, 'x')}},
        "body");
    Peer nginx = world.nginx(request);
    std::optional<router_test::Taken> taken;
    REQUIRE(world.until([&] { return (taken = world.take()).has_value(); }));
    CHECK(taken->payload.size() >= request.size() - 4);  // the body may follow
    CHECK(taken->payload + taken->peer.received() == request);
  }

  TEST_CASE("uwsgi door: truncated anywhere and closed, nothing is handed over") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    for (size_t length = 0; length < kRequest.size(); ++length) {
      Peer nginx = world.nginx(kRequest.substr(0, length));
      nginx.close();
      CHECK_FALSE(world.take());
    }
    Peer nginx = world.nginx(kRequest);
    CHECK(world.take());
  }

  TEST_CASE("uwsgi door: every fault has its page") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"limit-post", 10}});
    struct Row {
      std::string request;
      std::string status;
    };
    const Row rows[] = {
        {packet({{"HTTP_HOST", "other.example"}}), "404"},
        {packet({{"REQUEST_METHOD", "GET"}}), "404"},
        {packet({{"HTTP_HOST", "a/b"}}), "400"},
        {packet({{"HTTP_HOST", "a.example"}, {"CONTENT_LENGTH", "x"}}), "400"},
        {packet({{"HTTP_HOST", "a.example"}, {"CONTENT_LENGTH", "11"}}), "413"},
        {std::string("\0\x04\0\0\x09\0ab", 8), "400"},
        {std::string("\0\x04\0\0\0\0\0\0", 8), "400"},
        {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "400"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.request);
      Peer nginx = world.nginx(row.request);
      CHECK(nginx.received().substr(0, 12) == "HTTP/1.1 " + row.status);
      CHECK(nginx.at_end());
    }
    CHECK_FALSE(world.take());
  }

  TEST_CASE("uwsgi door: a head that never ends is told so") {
    const LeakGuard guard;
    router::Options options;
    options.header_timeout = 0s;
    RouterWorld world(options);
    world.one_site();
    Peer nginx = world.nginx(kRequest.substr(0, 10));
    REQUIRE(world.until([&] { return nginx.at_end(); }));
    CHECK(nginx.received().starts_with("HTTP/1.1 408"));
  }

  TEST_CASE("uwsgi door: a refused body is read away before the close") {
    const LeakGuard guard;
    RouterWorld world;
    world.synced();
    Peer nginx =
        world.nginx(packet({{"HTTP_HOST", "no.example"}, {"CONTENT_LENGTH", "1000000"}}));
    const std::string piece(50000, 'b');
    for (int i = 0; i < 20; ++i) {
      nginx.send(piece);
      world.settle();
    }
    CHECK(nginx.received().starts_with("HTTP/1.1 404"));
    CHECK_FALSE(nginx.broken());
  }

  TEST_CASE("uwsgi door: before the picture is whole nobody is turned away") {
    const LeakGuard guard;
    RouterWorld world;
    Peer nginx = world.nginx(kRequest);
    CHECK(nginx.received().empty());
    world.one_site();
    CHECK(world.take());
  }
}
