#include "router/answer_reader.h"

#include <string>

#include <doctest/doctest.h>

#include "router/options.h"

using router::AnswerReader;
using router::AnswerTo;
using router::Protocol;
using State = AnswerReader::State;

namespace {

std::string record(int type, const std::string& content, size_t padding = 0, int id = 1) {
  std::string out{'\1',
                  static_cast<char>(type),
                  '\0',
                  static_cast<char>(id),
                  static_cast<char>(content.size() >> 8),
                  static_cast<char>(content.size()),
                  static_cast<char>(padding),
                  '\0'};
  return out + content + std::string(padding, 'p');
}

std::string end_request(char protocol_status = 0) {
  return record(3, {'\0', '\0', '\0', '\0', protocol_status, '\0', '\0', '\0'});
}

/// An answer on FastCGI's output stream, in records of a few bytes each.
std::string wrapped(const std::string& text, size_t step = 7) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += step)
    out += record(6, text.substr(at, step), at % 8);
  return out + record(6, "") + end_request();
}

/// What became of an answer, in one line: state, status, fields, body.
struct Told {
  std::string text;
  bool reusable = false;
};

std::string name_of(State state) {
  constexpr const char* kNames[] = {"head", "body", "complete", "broken", "upgraded"};
  return kNames[static_cast<size_t>(state)];
}

Told read(Protocol protocol,
          const std::string& bytes,
          size_t step,
          AnswerTo to = {},
          bool ends = false) {
  AnswerReader reader(protocol, to);
  std::string body;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::string piece = bytes.substr(at, step);
    const size_t size = reader.feed(piece);
    REQUIRE(size <= piece.size());
    body += piece.substr(0, size);
  }
  if (ends) reader.end_of_stream();
  Told told{name_of(reader.state()), reader.reusable()};
  if (reader.state() == State::broken) {
    REQUIRE_FALSE(reader.fault().empty());
    return told;
  }
  if (reader.state() == State::head) return told;
  told.text += " " + std::to_string(reader.status()) + " " + std::string(reader.reason());
  for (const auto& field : reader.fields())
    told.text += " [" + std::string(field.name) + "=" + std::string(field.value) + "]";
  told.text += " " + body;
  return told;
}

struct Row {
  Protocol protocol;
  std::string bytes;
  std::string told;
  bool reusable = false;
  bool ends = false;  // the backend closes
  AnswerTo to = {};
};

void check(const Row& row) {
  CAPTURE(row.bytes);
  for (size_t step = 1; step <= row.bytes.size(); ++step) {
    CAPTURE(step);
    const Told told = read(row.protocol, row.bytes, step, row.to, row.ends);
    CHECK(told.text == row.told);
    CHECK(told.reusable == row.reusable);
  }
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("answer reader: HTTP answers at every split") {
    const Row rows[] = {
        {Protocol::http, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello",
         "complete 200 OK [Content-Length=5] [X-A=b] hello", true},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n "
         "world\r\n0\r\nTrailer: dropped\r\n\r\n",
         "complete 200 OK hello world", true},
        {Protocol::http, "HTTP/1.1 204 No Content\r\n\r\n", "complete 204 No Content ",
         true},
        {Protocol::http, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
         "complete 304 Not Modified [Content-Length=9] ", true},
        {Protocol::http, "HTTP/1.0 200 OK\r\n\r\nuntil the end",
         "complete 200 OK until the end", false, true},
        {Protocol::http, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
         "complete 200  [Content-Length=0] ", true},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab",
         "complete 200 OK [Content-Length=2] ab", false},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
         "complete 200 OK [Content-Length=5] ",
         true,
         false,
         {.head = true}},
        {Protocol::http,
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
         "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nz",
         "complete 201 Created [Content-Length=1] z", true},
        {Protocol::http,
         "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: "
         "websocket\r\n\r\n\x81\x01x",
         "upgraded 101 Switching [Connection=upgrade] [Upgrade=websocket] \x81\x01x",
         false,
         false,
         {.upgrade = true}},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: "
         "timeout=5\r\nX-Hop: 1\r\nUpgrade: h2c\r\nTrailer: X\r\nContent-Length: "
         "0\r\n\r\n",
         "complete 200 OK [Content-Length=0] ", true},
        {Protocol::uwsgi, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
         "complete 200 OK [Content-Length=2] ab", false},
        {Protocol::uwsgi, "HTTP/1.0 200 OK\r\nX: y\r\n\r\nab", "complete 200 OK [X=y] ab",
         false, true},
        {Protocol::uwsgi, "HTTX: y\n\nab", "complete 200 OK [HTTX=y] ab", false, true},
    };
    for (const Row& row : rows)
      check(row);
  }

  TEST_CASE("answer reader: answers of CGI programs at every split") {
    const Row rows[] = {
        {Protocol::scgi, "Status: 404 Not Found\r\nContent-type: a/b\r\n\r\nno",
         "complete 404 Not Found [Content-type=a/b] no", false, true},
        {Protocol::scgi, "Content-type: a/b\n\nyes\n\n",
         "complete 200 OK [Content-type=a/b] yes\n\n", false, true},
        {Protocol::scgi, "Location: /there\n\n", "complete 302 Found [Location=/there] ",
         false, true},
        {Protocol::scgi, "Location: /there\nStatus: 201 Made\n\n",
         "complete 201 Made [Location=/there] ", false, true},
        {Protocol::scgi, "HTTP/1.1 503 Busy\r\nX: y\r\n\r\n", "complete 503 Busy [X=y] ",
         false, true},
        {Protocol::scgi, "Status: 200\nContent-Length: 2\nContent-Length: 2\n\nabc",
         "complete 200  [Content-Length=2] ab", false},
        {Protocol::scgi, "Transfer-Encoding: chunked\nX: y\n\n1\r\na\r\n",
         "complete 200 OK [X=y] 1\r\na\r\n", false, true},
        {Protocol::scgi,
         "X: y\n\nbody",
         "complete 200 OK [X=y] ",
         false,
         false,
         {.head = true}},
        {Protocol::uwsgi, "Status: 404 Gone\r\n\r\nab", "complete 404 Gone ab", false,
         true},
        {Protocol::fastcgi, wrapped("Status: 404 Not Found\r\nX: y\r\n\r\nno such page"),
         "complete 404 Not Found [X=y] no such page", true},
        {Protocol::fastcgi, wrapped("X: y\n\nbody", 1), "complete 200 OK [X=y] body",
         true},
        {Protocol::fastcgi, wrapped("X: y\nContent-Length: 4\n\nbody more"),
         "complete 200 OK [X=y] [Content-Length=4] body", false},
        {Protocol::fastcgi,
         wrapped("X: y\n\nbody"),
         "complete 200 OK [X=y] ",
         true,
         false,
         {.head = true}},
        {Protocol::fastcgi, record(6, "Content-Length: 4\n\nbody"),
         "complete 200 OK [Content-Length=4] body", false, true},
    };
    for (const Row& row : rows)
      check(row);
  }

  TEST_CASE("answer reader: what is no answer is broken") {
    const Row rows[] = {
        {Protocol::http, "nonsense\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/2.0 200 OK\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 100 C\r\nContent-Length: 4\r\n\r\nbody", "broken"},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
         "broken"},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         "broken"},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         "broken"},
        {Protocol::http, "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "broken"},
        {Protocol::http, "HTTP/1.1 200 OK\r\nA B: b\r\n\r\n", "broken"},
        {Protocol::http, std::string("HTTP/1.1 200 OK\r\nA: b\1c\r\n\r\n"), "broken"},
        {Protocol::http, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
         "broken"},
        {Protocol::http, "", "broken", false, true},
        {Protocol::http, "HTTP/1.1 200 OK\r\n", "broken", false, true},
        {Protocol::http, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "broken",
         false, true},
        {Protocol::http,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "broken",
         false, true},
        {Protocol::uwsgi, "\x16\x03\x01\n\n", "broken"},
        {Protocol::scgi, "no colon\n\n", "broken"},
        {Protocol::scgi, "Status: abc\n\n", "broken"},
        {Protocol::scgi, "Status: 101 Up\n\n", "broken"},
        {Protocol::scgi, "A: b\n folded: c\n\n", "broken"},
        {Protocol::scgi, "A: b\rc\n\n", "broken"},
        {Protocol::scgi, "Content-Length: 5\nContent-Length: 6\n\n", "broken"},
        {Protocol::scgi, "Content-Length: -5\n\n", "broken"},
        {Protocol::scgi, "Content-Length: 5\n\nhell", "broken", false, true},
        {Protocol::scgi, "A: b\n", "broken", false, true},
        {Protocol::fastcgi, "HTTP/1.1 200 OK\r\n\r\n", "broken"},
        {Protocol::fastcgi, end_request(), "broken"},
        {Protocol::fastcgi, end_request(2), "broken"},
        {Protocol::fastcgi, record(6, "A: b\n") + end_request(), "broken"},
        {Protocol::fastcgi, record(6, "A: b\n\nc") + end_request(1), "broken"},
        {Protocol::fastcgi, record(6, "A: b\n\nbody"), "broken", false, true},
        {Protocol::fastcgi, wrapped("Content-Length: 5\n\nhell"), "broken"},
        {Protocol::fastcgi, record(3, "short"), "broken"},
    };
    for (const Row& row : rows)
      check(row);
    CHECK(read(Protocol::http, "", 1, {}, true).text == "broken");
  }

  TEST_CASE("answer reader: bytes past the end are never another answer") {
    const std::string http = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
    check({Protocol::http, http + "HTTP/1.1 200 OK\r\n\r\n",
           "complete 200 OK [Content-Length=2] ab", false});
    check({Protocol::http, "HTTP/1.1 204 N\r\n\r\nx", "complete 204 N ", false});
    check({Protocol::fastcgi, wrapped("A: b\n\nc") + wrapped("A: b\n\nc"),
           "complete 200 OK [A=b] c", false});
  }

  TEST_CASE("answer reader: truncated anywhere it is not complete") {
    const std::string whole[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"};
    for (const std::string& text : whole)
      for (size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        CHECK(read(Protocol::http, text.substr(0, size), 1000, {}, true).text ==
              "broken");
      }
    const std::string records = wrapped("A: b\n\nhello");
    for (size_t size = 0; size < records.size(); ++size) {
      CAPTURE(size);
      CHECK(read(Protocol::fastcgi, records.substr(0, size), 1000, {}, true).text ==
            "broken");
    }
  }

  TEST_CASE("answer reader: an endless head is too large") {
    for (const auto protocol : {Protocol::http, Protocol::scgi, Protocol::uwsgi})
      for (const size_t step : {size_t{100}, size_t{5000}, size_t{200'000}}) {
        CAPTURE(step);
        const std::string start = protocol == Protocol::http ? "HTTP/1.1 200 OK\r\n" : "";
        AnswerReader reader(protocol);
        std::string bytes = start + "A: " + std::string(200'000, 'x');
        size_t given = 0;
        while (reader.state() == State::head && given < bytes.size()) {
          const size_t size = std::min(step, bytes.size() - given);
          reader.feed({&bytes[given], size});
          given += size;
        }
        CHECK(reader.state() == State::broken);
        CHECK(given <= std::max(step, router::kMaxHead + step));
      }
  }

  TEST_CASE("answer reader: interim answers are not waited through for ever") {
    AnswerReader reader(Protocol::http);
    for (int i = 0; i <= AnswerReader::kMaxInterim; ++i) {
      CHECK(reader.state() == State::head);
      std::string bytes = "HTTP/1.1 100 Continue\r\n\r\n";
      reader.feed(bytes);
    }
    CHECK(reader.state() == State::broken);
  }

  TEST_CASE("answer reader: the error stream is kept for the log, up to a bound") {
    AnswerReader reader(Protocol::fastcgi);
    std::string bytes = record(7, "PHP Warning: x") + record(6, "A: b\n\n") +
                        record(7, std::string(60'000, 'e')) + record(6, "body") +
                        end_request();
    const size_t size = reader.feed(bytes);
    CHECK(bytes.substr(0, size) == "body");
    CHECK(reader.state() == State::complete);
    CHECK(reader.stderr_text().starts_with("PHP Warning: xeee"));
    CHECK(reader.stderr_text().size() == router::fastcgi::AnswerRecords::kMaxError);
  }

  TEST_CASE("answer reader: the head outlives the buffer it came in") {
    AnswerReader reader(Protocol::http);
    std::string bytes =
        "HTTP/1.1 200 Fine\r\nX-Name: value\r\nContent-Length: 9\r\n\r\nab";
    CHECK(reader.feed(bytes) == 2);
    bytes.assign(bytes.size(), '#');
    CHECK(reader.reason() == "Fine");
    REQUIRE(reader.fields().size() == 2);
    CHECK(reader.fields()[0].name == "X-Name");
    CHECK(reader.fields()[0].value == "value");
    CHECK(reader.content_length() == 9);
    CHECK(reader.has_body());
  }
}
