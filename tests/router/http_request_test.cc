#include "router/http_request.h"

#include <map>

#include <doctest/doctest.h>

#include "base/wire/uwsgi_packet.h"
#include "router/http_answer.h"

using router::HttpMessage;

namespace {

const router::HttpPeers kPeers{"10.0.0.9", "4711", "8080"};

/// The status a request is refused with; 0 if it is fine.
int refused(const std::string& text) {
  HttpMessage message(HttpMessage::Kind::request);
  const auto state = message.read_head(text);
  if (state == HttpMessage::State::broken)
    return router::refusal_of_broken(message).status;
  REQUIRE(state != HttpMessage::State::head);
  const auto request = router::check_request(message);
  return request ? 0 : request.error().status;
}

std::map<std::string, std::string> variables(const std::string& text,
                                             const router::HttpPeers& peers = kPeers) {
  HttpMessage message(HttpMessage::Kind::request);
  message.read_head(text);
  const auto request = router::check_request(message);
  REQUIRE(request);
  const auto packet = router::make_packet(*request, peers);
  REQUIRE(packet);
  std::map<std::string, std::string> out;
  wire::VarReader vars(std::string_view(*packet).substr(wire::kPacketHeader));
  while (const auto var = vars.next()) {
    CHECK(out.count(std::string(var->key)) == 0);
    out[std::string(var->key)] = var->value;
  }
  CHECK(vars.error() == nullptr);
  return out;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("http request: what must be refused is refused") {
    const std::string host = "Host: a.example\r\n";
    struct Row {
      std::string text;
      int status;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\n" + host + "\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + "Name : x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + "X: a\r\n folded\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: blah\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 41, 42\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n",
         400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Expect: miracles\r\n\r\n", 417},
        {"CONNECT a.example:80 HTTP/1.1\r\n" + host + "\r\n", 405},
        {"GET a/b HTTP/1.1\r\n" + host + "\r\n", 400},
        {"GET http://b.example/x HTTP/1.1\r\n" + host + "\r\n", 0},
        {"GET http://b/../c%/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET http://user@b.example/x HTTP/1.1\r\n" + host + "\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 0},
        {"GET * HTTP/1.1\r\n" + host + "\r\n", 400},
        {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
        {"GET /\r\n\r\n", 400},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(refused(row.text) == row.status);
    }
  }

  TEST_CASE("http request: the environment of a worker") {
    const auto vars = variables(
        "POST /caf%C3%A9/%41%zz?q=%20 HTTP/1.1\r\nHost: "
        "A.Example:8080\r\nContent-Length: 3\r\n"
        "Content-Type: text/plain\r\nCookie: a=1\r\nX-Same: one\r\nCookie: "
        "b=2\r\nx-same:  two \r\n"
        "Proxy: http://evil\r\nContent_Length: 9\r\nX-Forwarded_For: 6.6.6.6\r\n\r\nabc");
    const std::map<std::string, std::string> expected{
        {"REQUEST_METHOD", "POST"},  {"REQUEST_URI", "/caf%C3%A9/%41%zz?q=%20"},
        {"SCRIPT_NAME", ""},         {"PATH_INFO", "/caf\xc3\xa9/A%zz"},
        {"QUERY_STRING", "q=%20"},   {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"REQUEST_SCHEME", "http"},  {"SERVER_NAME", "a.example"},
        {"SERVER_PORT", "8080"},     {"REMOTE_ADDR", "10.0.0.9"},
        {"REMOTE_PORT", "4711"},     {"CONTENT_TYPE", "text/plain"},
        {"CONTENT_LENGTH", "3"},     {"HTTP_HOST", "A.Example:8080"},
        {"HTTP_COOKIE", "a=1; b=2"}, {"HTTP_X_SAME", "one, two"},
    };
    CHECK(vars == expected);
  }

  TEST_CASE(
      "http request: what a proxy says of its client counts from a trusted one only") {
    const std::string text =
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nx-forwarded-for: "
        "192.0.2.1\r\nForwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n";
    CHECK(variables(text).size() ==
          variables("GET / HTTP/1.1\r\nHost: a\r\n\r\n").size());
    router::HttpPeers proxy = kPeers;
    proxy.trusted = true;
    const auto vars = variables(text, proxy);
    CHECK(vars.at("HTTP_X_FORWARDED_PROTO") == "https");
    CHECK(vars.at("HTTP_X_FORWARDED_FOR") == "192.0.2.1");
    CHECK(vars.at("HTTP_FORWARDED") == "for=192.0.2.1");
    CHECK(vars.at("HTTP_X_REAL_IP") == "192.0.2.1");
  }

  TEST_CASE("http request: chunked bodies have no length, and no trace of the coding") {
    const auto vars = variables(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: "
        "100-continue\r\n\r\n");
    CHECK(vars.count("CONTENT_LENGTH") == 0);
    CHECK(vars.count("HTTP_TRANSFER_ENCODING") == 0);
  }

  TEST_CASE("http request: an absolute target brings its own host") {
    const auto vars =
        variables("GET http://B.example:81/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n");
    CHECK(vars.at("HTTP_HOST") == "B.example:81");
    CHECK(vars.at("SERVER_NAME") == "b.example");
    CHECK(vars.at("PATH_INFO") == "/p");
    CHECK(vars.at("QUERY_STRING") == "q");
    CHECK(
        variables("GET http://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n").at("PATH_INFO") ==
        "/");
  }

  TEST_CASE("http request: a head that no packet holds is 431") {
    HttpMessage message(HttpMessage::Kind::request);
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 7; ++i)
      text += "X-" + std::to_string(i) + ": " + std::string(10000, 'x') + "\r\n";
    text += "\r\n";
    message.read_head(text);
    const auto request = router::check_request(message);
    REQUIRE(request);
    const auto packet = router::make_packet(*request, kPeers);
    REQUIRE(!packet);
    CHECK(packet.error().status == 431);
  }

  TEST_CASE("http answer: framing and connection are said by us, the rest passes") {
    using router::AnswerConnection;
    using router::AnswerFraming;
    const std::vector<router::HttpField> fields{
        {"X-A", "b"}, {"Set-Cookie", "x"}, {"Set-Cookie", "y"}};
    CHECK(router::answer_head(201, "Made It", fields, {}) ==
          "HTTP/1.1 201 Made It\r\nX-A: b\r\nSet-Cookie: x\r\nSet-Cookie: y\r\n\r\n");
    CHECK(router::answer_head(200, "OK", {{"Content-Length", "3"}},
                              {.framing = AnswerFraming::chunked,
                               .connection = AnswerConnection::close}) ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    CHECK(
        router::answer_head(204, "", {}, {.connection = AnswerConnection::keep_alive}) ==
        "HTTP/1.1 204 \r\nConnection: keep-alive\r\n\r\n");
  }

  TEST_CASE("refusal: a page is a whole answer, and names the host if there is one") {
    const std::string page = router::error_page(router::refusals::kNoRoute, "a.example");
    CHECK(page.starts_with("HTTP/1.1 404 Not Found\r\n"));
    CHECK(page.find("<b>a.example</b>") != std::string::npos);
    CHECK(page.find("Retry-After") == std::string::npos);
    const std::string busy =
        router::error_page(router::refusals::kExpired, {}, router::PageBody::left_out);
    CHECK(busy.find("Retry-After: 5\r\n") != std::string::npos);
    CHECK(busy.ends_with("\r\n\r\n"));
    HttpMessage answer(HttpMessage::Kind::answer);
    answer.read_head(page);
    std::string body = page.substr(answer.head_size());
    answer.read_body(body);
    CHECK(answer.state() == HttpMessage::State::complete);
  }
}
