#include "router/http_message.h"

#include <string>

#include <doctest/doctest.h>

using router::HttpMessage;
using State = HttpMessage::State;

namespace {

/// Feeds a whole message in pieces of `step` bytes; gives the decoded body, or what
/// broke.
std::string decoded(const std::string& text,
                    size_t step,
                    HttpMessage::Kind kind,
                    std::string* after) {
  HttpMessage message(kind);
  size_t given = 0;
  while (message.state() == State::head && given < text.size()) {
    given = std::min(text.size(), given + step);
    message.read_head(std::string(text.substr(0, given)));  // somewhere else each time
  }
  if (message.state() == State::broken) return "broken";
  if (message.state() == State::head) return "more";
  std::string body;
  size_t at = message.head_size();
  while (message.state() == State::body && at < text.size()) {
    std::string piece = text.substr(at, step);
    const auto read = message.read_body(piece);
    body += piece.substr(0, read.body);
    at += read.consumed;
    if (message.state() == State::broken) return "broken";
  }
  if (message.state() == State::body) return "more of " + body;
  *after = text.substr(at);
  return body;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("http message: every split gives the same body and the same rest") {
    struct Row {
      std::string text;
      std::string body;
      std::string after;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next", "", "GET /next"},
        {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /next", "hello",
         "GET /next"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n "
         "world\r\n0\r\n"
         "Trailer: dropped\r\n\r\nGET /next",
         "hello world", "GET /next"},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nrest", "", "rest"},
        {"GET / HTTP/1.1\nHost: a\n\nrest", "broken", ""},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: "
         "websocket\r\n\r\nrest",
         "", "rest"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      for (size_t step = 1; step <= row.text.size(); ++step) {
        CAPTURE(step);
        std::string after;
        CHECK(decoded(row.text, step, HttpMessage::Kind::request, &after) == row.body);
        CHECK(after == row.after);
      }
    }
  }

  TEST_CASE("http message: truncated anywhere it asks for more, and is never complete") {
    const std::string text =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (size_t length = 0; length < text.size(); ++length) {
      CAPTURE(length);
      std::string after;
      const std::string said =
          decoded(text.substr(0, length), 1000, HttpMessage::Kind::request, &after);
      CHECK(said.starts_with("more"));
    }
  }

  TEST_CASE("http message: fields and target are views into what was given last") {
    const std::string text =
        "GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nX-Empty:\r\nX-Two:  2 \r\n\r\n";
    HttpMessage message(HttpMessage::Kind::request);
    std::string last;
    for (size_t length = 1; length <= text.size(); ++length) {
      last = text.substr(0, length);
      message.read_head(last);
    }
    CHECK(message.state() == State::complete);
    CHECK(message.method() == "GET");
    CHECK(message.target() == "/a?b=c");
    CHECK(message.keep_alive());
    const auto fields = message.fields();
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name == "Host");
    CHECK(fields[0].value == "x.example");
    CHECK(fields[1].value.empty());
    CHECK(fields[2].value.substr(0, 1) == "2");
  }

  TEST_CASE("http message: nonsense is broken at once") {
    for (const char* text : {"\x16\x03\x01\x02", "NOTAMETHOD / HTTP/1.1\r\n",
                             "GET / HTTP/1.1\r\nA", "GET / FTP/1.1\r\n"}) {
      CAPTURE(text);
      HttpMessage message(HttpMessage::Kind::request);
      const auto state = message.read_head(text);
      CHECK(state ==
            (std::string(text).ends_with("\r\nA") ? State::head : State::broken));
    }
  }

  TEST_CASE("http message: too many fields are too large, not broken syntax") {
    std::string text = "GET / HTTP/1.1\r\n";
    for (size_t i = 0; i <= HttpMessage::kMaxFields; ++i)
      text += "a: b\r\n";
    HttpMessage message(HttpMessage::Kind::request);
    CHECK(message.read_head(text) == State::broken);
    CHECK(message.too_large());
  }

  TEST_CASE(
      "http message: an answer ends where its head says, else at the end of the stream") {
    struct Row {
      std::string text;
      bool no_body;
      State before;
      State after;
      bool framed;
    };
    const Row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, State::complete,
         State::complete, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", false, State::body,
         State::broken, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false,
         State::body, State::broken, true},
        {"HTTP/1.1 200 OK\r\n\r\nok", false, State::body, State::complete, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, State::complete,
         State::complete, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, State::complete,
         State::complete, true},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, State::complete, State::complete,
         true},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, State::complete,
         State::complete, true},
        {"HTTP/1.1 200 OK\r\nContent-", false, State::head, State::broken, true},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      HttpMessage message(HttpMessage::Kind::answer);
      if (row.no_body) message.expect_no_body();
      std::string text = row.text;
      message.read_head(text);
      std::string body = text.substr(std::min(message.head_size(), text.size()));
      if (message.state() == State::body) message.read_body(body);
      CHECK(message.state() == row.before);
      CHECK(message.framed() == row.framed);
      CHECK(message.end_of_stream() == row.after);
    }
  }
}
