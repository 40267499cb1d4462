#include "vassal/request_body.h"

#include <array>
#include <cerrno>

#include <doctest/doctest.h>

#include "tests/vassal/pair.h"

namespace {

/// Reads to the end in steps of `step`; the text, then " -> RESULT" of the last read.
std::string read_to_end(vassal::RequestBody& body, size_t step) {
  std::string text(step, '\0'), all;
  ssize_t n;
  while ((n = body.read(text.data(), step)) > 0)
    all += text.substr(0, static_cast<size_t>(n));
  return all + " -> " + std::to_string(n);
}

}  // namespace

TEST_SUITE_BEGIN("vassal");

TEST_CASE("body: exactly what was promised, from the packet's rest and the connection") {
  for (size_t step = 1; step < 8; ++step) {
    Pair pair;
    pair.send("defgh");
    vassal::RequestBody body;
    body.begin(pair.connection, "abc", 6, 0);
    CHECK(body.left() == 6);
    CHECK(read_to_end(body, step) == "abcdef -> 0");
    CHECK(body.ended());
    CHECK(body.left() == 0);
  }
}

TEST_CASE("body: more beside the packet than promised is not part of it") {
  Pair pair;
  vassal::RequestBody body;
  body.begin(pair.connection, "abcdef", 3, 0);
  CHECK(read_to_end(body, 100) == "abc -> 0");
}

TEST_CASE("body: without a length it ends with the stream") {
  Pair pair;
  pair.send("def");
  pair.end();
  vassal::RequestBody body;
  body.begin(pair.connection, "abc", {}, 0);
  CHECK(!body.left());
  CHECK(!body.ended());
  CHECK(read_to_end(body, 2) == "abcdef -> 0");
  CHECK(body.ended());
}

TEST_CASE("body: less than promised is an error") {
  Pair pair;
  pair.send("ab");
  pair.end();
  vassal::RequestBody body;
  body.begin(pair.connection, "", 5, 0);
  CHECK(read_to_end(body, 8) == "ab -> " + std::to_string(-ECONNRESET));
}

TEST_CASE("body: a client that stalls is an error, and may still go on") {
  Pair pair;
  vassal::RequestBody body;
  body.begin(pair.connection, "", 2, 0);
  char c;
  CHECK(body.read(&c, 1) == -ETIMEDOUT);
  CHECK(!body.ended());
  pair.send("xy");
  CHECK(read_to_end(body, 8) == "xy -> 0");
}

TEST_CASE("body: none is at its end at once") {
  Pair pair;
  vassal::RequestBody body;
  body.begin(pair.connection, "", 0, 0);
  CHECK(body.ended());
  char c;
  CHECK(body.read(&c, 1) == 0);
}

TEST_CASE("body: without a length it may not grow beyond the limit") {
  Pair pair;
  pair.send("defgh");
  pair.end();
  vassal::RequestBody body;
  body.begin(pair.connection, "abc", {}, 5);
  CHECK(read_to_end(body, 2) == "abcde -> " + std::to_string(-EFBIG));
}

TEST_SUITE_END();
