#include "router/http_strict.h"

#include <string>

#include <doctest/doctest.h>

using router::is_strict_head;
using router::StrictChunks;

namespace {

bool whole(std::string_view body) {
  StrictChunks chunks;
  return chunks.feed(body) && chunks.complete();
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("http strict: an ordinary head, with an empty line in front or without") {
    CHECK(is_strict_head("GET / HTTP/1.1\r\nHost: a\r\nX: b c\r\n\r\n"));
    CHECK(is_strict_head("\r\nGET / HTTP/1.1\r\n\r\n"));
  }

  TEST_CASE("http strict: bare CR and LF, folded fields and wrong spaces are not") {
    for (const char* head :
         {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
          "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n",
          "GET / HTTP/1.1\r\nX: a\r\n\n", "GET  / HTTP/1.1\r\n\r\n",
          "GET /  HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"})
      CHECK_FALSE(is_strict_head(head));
  }

  TEST_CASE("http strict: chunks with data, extensions and trailers") {
    CHECK(whole("0\r\n\r\n"));
    CHECK(whole("5\r\nhello\r\n0\r\n\r\n"));
    CHECK(whole("5;name=value\r\nhello\r\n0;x\r\nA: b\r\nC:\r\n\r\n"));
    CHECK(whole("5 ;name\r\nhello\r\n0\r\n\r\n"));
    CHECK(whole("A\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n"));
  }

  TEST_CASE("http strict: byte by byte it is the same, and what follows is left alone") {
    const std::string body = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
    StrictChunks chunks;
    for (const char c : body) {
      CHECK_FALSE(chunks.complete());
      CHECK(chunks.feed({&c, 1}));
    }
    CHECK(chunks.complete());
    CHECK(whole(body + "\nGET \x01"));
  }

  TEST_CASE("http strict: a wrong line is told at its first wrong byte") {
    for (const char* body :
         {"\r\n", ";\r\n", "x", " 5\r\n", "5 \r\n", "5\n", "5\rx", "5;a\n", "5;a\x01",
          "5\r\nhelloX", "5\r\nhello\n", "5\r\nhello\rX", "0\r\n\n", "0\r\n a: b\r\n",
          "0\r\na b: c\r\n", "0\r\na\r\n", "0\r\na: b\n", "0\r\na: b\r\n c\r\n",
          "1000000000000000\r\n"}) {
      CAPTURE(body);
      StrictChunks chunks;
      CHECK_FALSE(chunks.feed(body));
      CHECK_FALSE(chunks.feed("0\r\n\r\n"));
    }
  }
}
