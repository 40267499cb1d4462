// HTTP/1.1 connections: request after request, both directions at once, and every way to
// break off.
#include <doctest/doctest.h>

#include "tests/router/router_world.h"

using router_test::LeakGuard;
using router_test::Peer;
using router_test::RouterWorld;
using router_test::Taken;
using namespace std::chrono_literals;

namespace {

const std::string kGet = "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string post(const std::string& headers, const std::string& body = "") {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\n" + headers + "\r\n" + body;
}

/// Answers as a worker does, and closes.
void answer(RouterWorld& world, Taken& taken, std::string_view bytes = kAnswer) {
  taken.peer.send(bytes);
  taken.peer.close();
  world.settle();
}

/// The request body as the worker gets it: with the packet, then from the pair to its
/// end.
std::string body_of(RouterWorld& world, Taken& taken) {
  CHECK(world.until([&] { return taken.peer.at_end(); }));
  return taken.body() + taken.peer.received();
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE(
      "http: a request becomes a packet, the answer comes back, the connection stays") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(kGet);
    for (int i = 0; i < 3; ++i) {
      auto taken = world.take();
      REQUIRE(taken);
      CHECK(taken->header.kind == wire::HandoffKind::http_pipe);
      CHECK(taken->variable("REQUEST_METHOD") == "GET");
      CHECK(taken->variable("PATH_INFO") == "/x");
      CHECK(taken->variable("CONTENT_LENGTH") == "(none)");
      CHECK(taken->peer.at_end());  // no body
      answer(world, *taken);
      CHECK(browser.take() == kAnswer);
      CHECK_FALSE(browser.at_end());
      browser.send(kGet);
    }
  }

  TEST_CASE("http: pipelined requests are answered in order, one at a time") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(kGet + post("Content-Length: 3\r\n", "abc") + kGet);
    auto first = world.take();
    REQUIRE(first);
    CHECK_FALSE(world.take());
    answer(world, *first);
    auto second = world.take();
    REQUIRE(second);
    CHECK(second->body() == "abc");
    answer(world, *second);
    auto third = world.take();
    REQUIRE(third);
    answer(world, *third);
    CHECK(browser.received() == kAnswer + kAnswer + kAnswer);
  }

  TEST_CASE("http: a body with its length or in chunks reaches the worker decoded") {
    const std::string big(300'000, 'b');
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    struct Row {
      std::string request;
      std::string body;
    };
    const Row rows[] = {
        {post("Content-Length: 0\r\n"), ""},
        {post("Content-Length: 1\r\n", "x"), "x"},
        {post(chunked, "0\r\n\r\n"), ""},
        {post(chunked, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), "hello!"},
        {post(chunked, "493e0\r\n" + big + "\r\n0\r\nTrailer: x\r\n\r\n"), big},
        {post("Content-Length: 300000\r\n", big), big},
    };
    for (const Row& row : rows) {
      CAPTURE(row.request.substr(0, 100));
      for (const size_t step : {size_t{1}, size_t{10'000}}) {
        if (step == 1 && row.request.size() > 1000) continue;
        const LeakGuard guard;
        RouterWorld world;
        world.one_site();
        Peer browser = world.browser();
        std::optional<Taken> taken;
        std::string body;
        for (size_t at = 0; at < row.request.size(); at += step) {
          browser.send(row.request.substr(at, step));
          world.settle();
          if (!taken) taken = world.take();
          if (taken) taken->peer.received();
        }
        REQUIRE(taken);
        if (row.body.size() > 10'000)
          CHECK(taken->header.kind == wire::HandoffKind::http_pair);
        CHECK(body_of(world, *taken) == row.body);
        answer(world, *taken);
        CHECK(browser.take() == kAnswer);
        browser.send(kGet);
        CHECK(world.take());
      }
    }
  }

  TEST_CASE(
      "http: a worker that does not read slows the client down, and loses nothing") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    const std::string piece(100'000, 'p');
    Peer browser = world.browser(post("Content-Length: 10000000\r\n"));
    auto taken = world.take();
    REQUIRE(taken);
    size_t sent = 0;
    const auto push = [&] {
      const ssize_t n =
          ::send(browser.fd(), piece.data(), std::min(piece.size(), 10'000'000 - sent),
                 MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<size_t>(n);
      return n > 0;
    };
    for (int i = 0; i < 1000; ++i) {
      push();
      world.turn();
    }
    CHECK(sent < 5'000'000);
    REQUIRE(world.until([&] {
      push();
      return taken->peer.received().size() == 10'000'000;
    }));
    CHECK(world.until([&] { return taken->peer.at_end(); }));
    answer(world, *taken);
    CHECK(browser.received() == kAnswer);
  }

  TEST_CASE("http: a large answer reaches a slow client whole") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(taken);
    const std::string body(3'000'000, 'd');
    const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body;
    size_t sent = 0;
    REQUIRE(world.until([&] {
      const ssize_t n = taken->peer.write(whole.data() + sent, whole.size() - sent);
      if (n > 0) sent += static_cast<size_t>(n);
      return browser.received().size() == whole.size();
    }));
    CHECK(browser.received() == whole);
    browser.take();
    browser.send(kGet);
    CHECK(world.take());
  }

  TEST_CASE("http: chunked answers pass as they come, and are decoded for HTTP/1.0") {
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer young = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(taken);
    for (const char byte : chunked) {
      taken->peer.send({&byte, 1});
      world.settle();
    }
    CHECK(
        young.received() ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc"
        "\r\n1\r\nd\r\n1\r\ne\r\n0\r\n\r\n");
    CHECK_FALSE(young.at_end());
    Peer old = world.browser("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
    taken = world.take();
    REQUIRE(taken);
    answer(world, *taken, chunked);
    CHECK(old.received() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde");
    CHECK(old.at_end());
    CHECK_FALSE(old.broken());
  }

  TEST_CASE("http: HEAD, 304 and 204 have no body and keep the connection") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    const std::pair<std::string, std::string> rows[] = {
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
    };
    Peer browser = world.browser();
    for (const auto& [method, said] : rows) {
      CAPTURE(said);
      browser.send(method + " / HTTP/1.1\r\nHost: a.example\r\n\r\n");
      auto taken = world.take();
      REQUIRE(taken);
      answer(world, *taken, said);
      CHECK(browser.take() == said);
      CHECK_FALSE(browser.at_end());
    }
  }

  TEST_CASE("http: 100 Continue is said when the body is wanted, and not twice") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(post("Content-Length: 4\r\nExpect: 100-continue\r\n"));
    CHECK(browser.take() == "HTTP/1.1 100 Continue\r\n\r\n");
    auto taken = world.take();
    REQUIRE(taken);
    browser.send("body");
    CHECK(body_of(world, *taken) == "body");
    answer(world, *taken);
    CHECK(browser.take() == kAnswer);
    browser.send(
        "POST / HTTP/1.1\r\nHost: no.example\r\nContent-Length: 4\r\nExpect: "
        "100-continue\r\n\r\n");
    world.settle();
    CHECK(browser.take().starts_with("HTTP/1.1 404"));
  }

  TEST_CASE("http: refusals are answered, then the connection closes") {
    struct Row {
      std::string request;
      std::string status;
    };
    const Row rows[] = {
        {"\x16\x03\x01", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {post("Content-Length: 42, 42\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "zz\r\n"), "400"},
        {"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "404"},
        {post("Content-Length: 1001\r\n"), "413"},
        {post("Transfer-Encoding: chunked\r\n", "3f0\r\n" + std::string(1008, 'x')),
         "413"},
        {"GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x'), "431"},
        {"GET /" + std::string(70'000, 'x'), "431"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.request.substr(0, 60));
      const LeakGuard guard;
      RouterWorld world;
      world.one_site({{"limit-post", 1000}});
      Peer browser = world.browser(row.request);
      REQUIRE(world.until([&] { return browser.at_end(); }));
      CHECK(browser.received().substr(0, 12) == "HTTP/1.1 " + row.status);
      CHECK_FALSE(browser.broken());
    }
  }

  TEST_CASE("http: too large a body in chunks is 413 while the worker waits for it") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site({{"limit-post", 1000}});
    Peer browser = world.browser(post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n"));
    auto taken = world.take();
    REQUIRE(taken);
    browser.send("500\r\n" + std::string(0x500, 'x'));
    REQUIRE(world.until([&] { return browser.at_end(); }));
    CHECK(browser.received().starts_with("HTTP/1.1 413"));
    CHECK(taken->peer.at_end());
  }

  TEST_CASE(
      "http: timeouts are answered: 408 for half a head, 504 for no answer, 503 "
      "untaken") {
    const LeakGuard guard;
    router::Options options;
    options.header_timeout = 0s;
    options.request_timeout = 1s;
    RouterWorld world(options);
    world.one_site({{"queue-timeout", 0}});
    Peer slow = world.browser("GET / HTTP/1.1\r\nHo");
    REQUIRE(world.until([&] { return slow.at_end(); }));
    CHECK(slow.received().starts_with("HTTP/1.1 408"));
    Peer untaken = world.browser(kGet);
    REQUIRE(world.until([&] { return !untaken.received().empty(); }));
    CHECK(untaken.received().starts_with("HTTP/1.1 503"));
    world.vassal(1, {{"queue-timeout", 100}});
    Peer unanswered = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(world.until([&] { return unanswered.at_end(); }));
    CHECK(unanswered.received().starts_with("HTTP/1.1 504"));
  }

  TEST_CASE("http: an idle connection ends without a word") {
    const LeakGuard guard;
    router::Options options;
    options.http_timeout = 0s;
    RouterWorld world(options);
    world.one_site();
    Peer idle = world.browser();
    REQUIRE(world.until([&] { return idle.at_end(); }));
    CHECK(idle.received().empty());
  }

  TEST_CASE(
      "http: a worker that dies: 502 before its head, an error to the client after it") {
    struct Row {
      std::string request;
      std::string said;
      std::string seen;
      bool broken;
    };
    const std::string old = "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n";
    const Row rows[] = {
        {kGet, "", "HTTP/1.1 502", false},
        {kGet, "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 502", false},
        {kGet, "nonsense\r\n\r\n", "HTTP/1.1 502", false},
        {kGet, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200", false},
        {kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
         "HTTP/1.1 200", false},
        // Here a mere end would be a valid one.
        {old, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "",
         true},
    };
    for (const Row& row : rows) {
      CAPTURE(row.said);
      const LeakGuard guard;
      RouterWorld world;
      world.one_site();
      Peer browser = world.browser(row.request);
      auto taken = world.take();
      REQUIRE(taken);
      answer(world, *taken, row.said);
      REQUIRE(world.until([&] { return browser.at_end(); }));
      CHECK(browser.received().starts_with(row.seen));
      CHECK_FALSE(browser.received().ends_with("0\r\n\r\n"));
    }
  }

  TEST_CASE(
      "http: an answer before the body was read costs neither answer nor connection's "
      "end") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(post("Content-Length: 500000\r\n"));
    auto taken = world.take();
    REQUIRE(taken);
    answer(world, *taken);
    const std::string piece(50'000, 'x');
    for (int i = 0; i < 10; ++i) {
      browser.send(piece);
      world.settle();
    }
    CHECK(browser.received() ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK_FALSE(browser.broken());
    browser.close();
  }

  TEST_CASE("http: a half-closed client still gets its answer") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer browser = world.browser(kGet);
    browser.half_close();
    auto taken = world.take();
    REQUIRE(taken);
    answer(world, *taken);
    CHECK(browser.received() == kAnswer);
    CHECK(browser.at_end());
  }

  TEST_CASE(
      "http: the client leaves after any number of turns, and nothing is left behind") {
    const std::string requests[] = {
        kGet, post("Content-Length: 100000\r\n", std::string(50'000, 'x')),
        post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n")};
    for (const std::string& request : requests) {
      for (int turns = 0; turns < 12; ++turns) {
        CAPTURE(turns);
        const LeakGuard guard;
        RouterWorld world;
        world.one_site();
        Peer browser = world.connect("http");
        browser.send(request);
        std::optional<Taken> taken;
        for (int i = 0; i < turns; ++i) {
          world.turn();
          if (i == 4) taken = world.take();
          if (i == 6 && taken)
            taken->peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" +
                             std::string(100'000, 'y'));
        }
        browser.close();
        world.settle();
        if (!taken) taken = world.take();
        if (taken) answer(world, *taken);
        Peer next = world.browser(kGet);
        auto other = world.take();
        REQUIRE(other);
        answer(world, *other);
        CHECK(next.received() == kAnswer);
      }
    }
  }

  TEST_CASE(
      "http: the router drains: idle connections close, the request under way is "
      "answered") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    Peer idle = world.browser();
    Peer busy = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(taken);
    world.router().drain();
    world.settle();
    CHECK(idle.at_end());
    CHECK_FALSE(busy.at_end());
    answer(world, *taken);
    CHECK(busy.received() ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  }

  TEST_CASE("http: what a hostile vassal answers stays its own trouble") {
    const LeakGuard guard;
    RouterWorld world;
    world.one_site();
    const std::string both =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n";
    for (const std::string& said :
         {both, "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'),
          std::string("\0\0\0\0", 4)}) {
      Peer browser = world.browser(kGet);
      auto taken = world.take();
      REQUIRE(taken);
      taken->peer.send(said);
      taken->peer.close();
      REQUIRE(world.until([&] { return browser.at_end(); }));
      CHECK(browser.received().starts_with("HTTP/1.1 502"));
    }
    // More than the answer: dropped, never the next answer.
    Peer browser = world.browser(kGet);
    auto taken = world.take();
    REQUIRE(taken);
    answer(world, *taken, kAnswer + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    CHECK(browser.take() == kAnswer);
    browser.send(kGet);
    taken = world.take();
    REQUIRE(taken);
    answer(world, *taken);
    CHECK(browser.take() == kAnswer);
  }
}
