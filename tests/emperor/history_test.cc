#include "emperor/history.h"

#include <doctest/doctest.h>

using emperor::History;
using emperor::last_lines;

TEST_SUITE("emperor") {
  TEST_CASE("history: keeps the last ten deaths, each bounded") {
    History history;
    for (uint64_t g = 1; g <= 12; ++g)
      history.add({0, g, emperor::DeathKind::exited, std::string(10000, 'x'), ""});
    REQUIRE(history.deaths().size() == History::kMost);
    CHECK(history.deaths().front().generation == 3);
    CHECK(history.deaths().back().generation == 12);
    CHECK(history.deaths().back().reason.size() == History::kMostReason);
    history.set_log(12, "its last line\n");
    history.set_log(1, "nobody's");
    CHECK(history.deaths().back().log == "its last line\n");
    CHECK(history.deaths().front().log.empty());
  }

  TEST_CASE("history: every kind of death has a name") {
    for (int kind = 0; kind < emperor::kDeathKinds; ++kind)
      CHECK_FALSE(name_of(static_cast<emperor::DeathKind>(kind)).empty());
  }

  TEST_CASE("last lines: the end of a log, in order, printable and bounded") {
    CHECK(last_lines("").empty());
    CHECK(last_lines("\n\n").empty());
    CHECK(last_lines("one") == "one\n");
    CHECK(last_lines("one\ntwo\n") == "one\ntwo\n");
    CHECK(last_lines("1\n2\n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12") ==
          "3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
    CHECK(last_lines("\x1b[31mred\n") == "\\x1b[31mred\n");
    CHECK(last_lines(std::string(5000, 'x')).size() < 300);
  }
}
