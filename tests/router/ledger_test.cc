#include "router/ledger.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace router;

namespace {

struct Book {
  std::string log_text;
  base::Log log = base::Log::to_string("router", &log_text);
  Ledger ledger{log, 2};

  void refused(std::string_view host,
               const Refusal& refusal,
               std::string_view node = {}) {
    ledger.note({.door = "uwsgi",
                 .host = host,
                 .vassal = 1,
                 .node = node,
                 .outcome = Outcome::refused,
                 .status = refusal.status,
                 .refusal = &refusal});
  }
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("ledger: counts a request for its host and for its vassal") {
    Book book;
    book.ledger.note({.door = "uwsgi", .host = "a.example", .vassal = 7});
    book.ledger.note({.door = "http",
                      .host = "a.example",
                      .vassal = 7,
                      .outcome = Outcome::relayed,
                      .status = 204,
                      .received = 3,
                      .sent = 4});
    REQUIRE(book.ledger.hosts().contains("a.example"));
    const Tally& host = book.ledger.hosts().find("a.example")->second.tally;
    CHECK(host.requests == 2);
    CHECK(host.handed_over == 1);
    CHECK(host.relayed == 1);
    CHECK(host.status[1] == 1);
    CHECK(host.received == 3);
    CHECK(host.sent == 4);
    REQUIRE(book.ledger.of_vassal(7) != nullptr);
    CHECK(to_text(*book.ledger.of_vassal(7)) == to_text(host));
    book.ledger.forget(7);
    CHECK(book.ledger.of_vassal(7) == nullptr);
  }

  TEST_CASE("ledger: hosts past the bound, and names that nobody serves, count as one") {
    Book book;
    for (const std::string_view host : {"a.example", "b.example", "c.example"})
      book.ledger.note({.door = "uwsgi", .host = host, .vassal = 1});
    book.ledger.note({.door = "uwsgi",
                      .host = "nobody.example",
                      .outcome = Outcome::refused,
                      .status = 404,
                      .refusal = &refusals::kNoRoute});
    CHECK(book.ledger.hosts().size() == 2);
    CHECK(book.ledger.other().requests == 2);
    CHECK(book.ledger.other().causes[size_t(Cause::no_route)] == 1);
  }

  TEST_CASE("ledger: names that fit a pattern do not use up the room of the others") {
    std::string log_text;
    base::Log log = base::Log::to_string("router", &log_text);
    Ledger ledger(log, 8, [](const Served& served) -> std::string {
      if (served.host.starts_with("r")) return "*.example";
      if (served.host.starts_with("x")) return "";
      return std::string(served.host);
    });
    const auto ask = [&](std::string_view host) {
      ledger.note({.door = "uwsgi", .host = host, .vassal = 1});
    };
    for (int i = 0; i < 100; ++i)
      ask("r" + std::to_string(i) + ".example");
    for (int i = 0; i < 10; ++i)
      ask("x" + std::to_string(i));
    for (const std::string_view host : {"a", "b", "c", "d", "e"})
      ask(host);
    const auto requests = [&](std::string_view host) {
      const auto found = ledger.hosts().find(host);
      return found == ledger.hosts().end() ? 0 : found->second.tally.requests;
    };
    CHECK(requests("r0.example") == 1);
    CHECK(requests("r1.example") == 1);
    CHECK(requests("*.example") == 98);
    CHECK(requests("e") == 1);
    CHECK(ledger.hosts().size() == 8);
    CHECK(ledger.other().requests == 10);
  }

  TEST_CASE("ledger: names that nodes subscribe leave room for vassals") {
    std::string log_text;
    base::Log log = base::Log::to_string("router", &log_text);
    Ledger ledger(log, 8);
    ledger.note({.door = "uwsgi", .host = "a", .vassal = 1});
    for (int i = 0; i < 10; ++i)
      ledger.note(
          {.door = "uwsgi", .host = "s" + std::to_string(i), .node = "127.0.0.1:1"});
    CHECK(ledger.hosts().size() == 5);
    CHECK(ledger.other().requests == 6);
    for (const std::string_view host : {"b", "c", "d"})
      ledger.note({.door = "uwsgi", .host = host, .vassal = 1});
    CHECK(ledger.hosts().size() == 8);
    CHECK(ledger.other().requests == 6);
  }

  TEST_CASE("ledger: what is given up after its hand-over is no second request") {
    Book book;
    book.ledger.note({.door = "uwsgi", .host = "a.example", .vassal = 1});
    book.ledger.note_dismissed({.door = "uwsgi",
                                .host = "a.example",
                                .vassal = 1,
                                .outcome = Outcome::refused,
                                .status = 503,
                                .refusal = &refusals::kExpired});
    const Tally& host = book.ledger.hosts().find("a.example")->second.tally;
    CHECK(host.requests == 1);
    CHECK(host.refused == 1);
    CHECK(host.causes[size_t(Cause::queue_timeout)] == 1);
  }

  TEST_CASE(
      "ledger: a failure names its hop and its limit, once a second for each host") {
    Book book;
    for (int i = 0; i < 3; ++i)
      book.refused("a.example", refusals::kQueueFull);
    book.refused("b.example", refusals::kNoAnswer, "/run/b.sock");
    book.refused("", refusals::kMalformed);
    const auto has = [&](std::string_view text) {
      return book.log_text.find(text) != std::string::npos;
    };
    CHECK(has(R"(site a.example: refused status=503 hop="queue" limit=queue-max)"));
    CHECK(has(R"(site b.example: refused status=504 hop="node /run/b.sock")"));
    CHECK(has("limit=request-timeout"));
    CHECK_FALSE(has("status=400"));
    CHECK(std::ranges::count(book.log_text, '\n') == 2);
    for (int i = 0; i < 100; ++i)
      book.refused("", refusals::kBusy);
    CHECK(std::ranges::count(book.log_text, '\n') == 3);
  }
}
