#include "vassal/response_writer.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/vassal/pair.h"

using vassal::Framing;
using vassal::ResponseWriter;

TEST_SUITE_BEGIN("vassal");

TEST_CASE("writer: the head goes with the first bytes, and alone if there are none") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::until_close, false);
  writer.head().set_status("200");
  CHECK(!writer.head_sent());
  SUBCASE("with bytes") {
    CHECK(writer.write("abc", false) == 0);
    CHECK(pair.arrived() == "HTTP/1.1 200 OK\r\n\r\nabc");
    CHECK(writer.write("def", false) == 0);
    CHECK(writer.finish() == 0);
    CHECK(pair.arrived() == "def");
    CHECK(writer.bytes() == 25);
  }
  SUBCASE("without") {
    CHECK(writer.finish() == 0);
    CHECK(pair.arrived() == "HTTP/1.1 200 OK\r\n\r\n");
  }
  CHECK(writer.complete());
  CHECK(writer.head_bytes() == 19);
}

TEST_CASE("writer: chunks on the pair, ended by the last one") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.0", Framing::http11, false);
  writer.head().set_status("200");
  CHECK(writer.write("0123456789abcdef", false) == 0);
  CHECK(writer.write("", false) == 0);
  CHECK(writer.write("x", false) == 0);
  CHECK(pair.arrived() ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n10\r\n0123456789abcdef\r\n1\r\nx\r\n");
  SUBCASE("whole") {
    CHECK(writer.finish() == 0);
    CHECK(pair.arrived() == "0\r\n\r\n");
    CHECK(writer.complete());
  }
  SUBCASE("failed") {
    writer.fail();
    CHECK(pair.arrived() == "");
    CHECK(!writer.complete());
  }
}

TEST_CASE("writer: never more than promised, and less is no whole answer") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::http11, false);
  writer.head().set_status("200");
  writer.head().add("Content-Length", "4");
  CHECK(writer.write("ab", false) == 0);
  SUBCASE("more") {
    CHECK(writer.write("cdef", false) == 0);
    CHECK(writer.write("g", false) == 0);
    CHECK(writer.finish() == 0);
    CHECK(pair.arrived().ends_with("\r\n\r\nabcd"));
    CHECK(writer.complete());
  }
  SUBCASE("less") {
    CHECK(writer.finish() == 0);
    CHECK(!writer.complete());
  }
}

TEST_CASE("writer: no body for HEAD and 304, whatever is written") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::http11, true);
  writer.head().set_status("200");
  CHECK(writer.write("abc", true) == 0);
  CHECK(writer.write("abc", true) == 0);
  CHECK(writer.finish() == 0);
  CHECK(pair.arrived() == "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_CASE("writer: a failure before the first byte is a page, whatever the head says") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::until_close, false);
  writer.head().set_status("200");
  writer.head().add("X-Half", "done");
  writer.fail();
  const std::string answer = pair.arrived();
  CHECK(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  CHECK(answer.find("X-Half") == std::string::npos);
  CHECK(writer.status() == 500);
}

TEST_CASE("writer: after a client left every write says so") {
  Pair pair;
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::until_close, false);
  writer.head().set_status("200");
  pair.leave();
  CHECK(writer.write("a", false) == -EPIPE);
  CHECK(writer.write("a", false) == -EPIPE);
  CHECK(writer.finish() == -EPIPE);
  CHECK(!writer.complete());
}

TEST_CASE("writer: a file within its promise") {
  Pair pair;
  auto file = base::make_memfd("test");
  REQUIRE(file);
  (void)base::write_all(file->get(), "0123456789");
  ResponseWriter writer(pair.connection);
  writer.begin("HTTP/1.1", Framing::http11, false);
  writer.head().set_status("200");
  SUBCASE("its size is the length") {
    CHECK(writer.write_file(file->get(), 4) == 0);
    CHECK(pair.arrived() == "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n456789");
  }
  SUBCASE("a promised length cuts it") {
    writer.head().add("Content-Length", "2");
    CHECK(writer.write_file(file->get(), 4) == 0);
    CHECK(pair.arrived() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n45");
  }
  CHECK(writer.finish() == 0);
  CHECK(writer.complete());
}

TEST_SUITE_END();
