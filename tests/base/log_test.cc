// What the log shows of what others wrote.
#include "base/log.h"

#include <doctest/doctest.h>

TEST_SUITE("base") {
  TEST_CASE("log: text of others cannot forge a line") {
    CHECK(base::printable("ok \n\x1b[31m\xff") == "ok \\x0a\\x1b[31m\\xff");
    CHECK(base::printable("abcdef", 3) == "abc...");
  }

  TEST_CASE("log: lines reach the sink with their level's leave") {
    std::string lines;
    base::Log log = base::Log::to_string("test", &lines);
    log.info("vassal {}: ready pid={}", "blog", 17);
    CHECK(lines == "vassal blog: ready pid=17\n");
    base::Log::silent().error("nobody hears {}", 1);
  }
}
