#include "vassal/response.h"

#include <doctest/doctest.h>

using vassal::BodyForm;
using vassal::Framing;
using vassal::ResponseHead;

namespace {

ResponseHead head_for(Framing framing, bool is_head = false) {
  ResponseHead head;
  head.reset("HTTP/1.0", framing, is_head);
  return head;
}

}  // namespace

TEST_SUITE_BEGIN("vassal");

TEST_CASE("response: to nginx nothing is added") {
  ResponseHead head = head_for(Framing::until_close);
  CHECK(head.set_status("200 Fine") == nullptr);
  CHECK(head.add("Content-Type", "text/plain") == nullptr);
  CHECK(head.add("Connection", "keep") == nullptr);
  CHECK(head.finish(5) == BodyForm::plain);
  CHECK(head.bytes() ==
        "HTTP/1.0 200 Fine\r\nContent-Type: text/plain\r\nConnection: keep\r\n\r\n");
}

TEST_CASE(
    "response: on the pair the body is delimited, and hop-by-hop headers are ours") {
  ResponseHead head = head_for(Framing::http11);
  CHECK(head.set_status("200 OK") == nullptr);
  for (const char* name : {"Connection", "KEEP-ALIVE", "transfer-encoding", "Upgrade",
                           "TE", "Trailer", "Proxy-Connection"})
    CHECK(head.add(name, "x") == nullptr);
  SUBCASE("by its length, if that is known") {
    CHECK(head.finish(5) == BodyForm::plain);
    CHECK(head.bytes() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  }
  SUBCASE("by chunks otherwise") {
    CHECK(head.finish({}) == BodyForm::chunked);
    CHECK(head.bytes() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  SUBCASE("by what the application said") {
    CHECK(head.add("content-length", "7") == nullptr);
    CHECK(head.finish({}) == BodyForm::plain);
    CHECK(head.bytes() == "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
  }
}

TEST_CASE("response: where there is no body none is announced") {
  for (const char* status : {"204 No Content", "304 Not Modified", "103 Early Hints"}) {
    ResponseHead head = head_for(Framing::http11);
    CHECK(head.set_status(status) == nullptr);
    CHECK(head.finish(5) == BodyForm::none);
    CHECK(head.bytes() == "HTTP/1.1 " + std::string(status) + "\r\n\r\n");
  }
  ResponseHead head = head_for(Framing::http11, true);
  CHECK(head.set_status("200 OK") == nullptr);
  CHECK(head.add("Content-Length", "99") == nullptr);
  CHECK(head.finish({}) == BodyForm::none);
}

TEST_CASE("response: a status without a phrase gets its usual one") {
  for (const char* status : {"404", "404 ", "404   "}) {
    ResponseHead head = head_for(Framing::until_close);
    CHECK(head.set_status(status) == nullptr);
    head.finish({});
    CHECK(head.bytes() == "HTTP/1.0 404 Not Found\r\n\r\n");
  }
}

TEST_CASE("response: what would forge a header is refused") {
  ResponseHead head = head_for(Framing::until_close);
  for (const char* status :
       {"", "20", "abc", "2000 OK", "099 x", "200 a\r\nB: c", "200 a\nb", "200\r\n"}) {
    CAPTURE(status);
    CHECK(head.set_status(status) != nullptr);
  }
  CHECK(head.set_status("200 OK") == nullptr);
  for (const char* value : {"a\r\nb", "a\n", "\ra", "a\x01", "a\x7f"})
    CHECK(head.add("X", value) != nullptr);
  CHECK(head.add("X", std::string_view("a\0b", 3)) != nullptr);
  for (const char* name : {"", "a b", "a:", "a\n", "a\xe9"})
    CHECK(head.add(name, "x") != nullptr);
  CHECK(head.add("X", "tab\tis fine \xe9") == nullptr);
}

TEST_CASE("response: a length must be one number") {
  for (const char* value : {"", "-1", "5x", "1e3", "99999999999999999999"}) {
    CAPTURE(value);
    ResponseHead head = head_for(Framing::until_close);
    head.set_status("200");
    CHECK(head.add("Content-Length", value) != nullptr);
  }
  ResponseHead head = head_for(Framing::until_close);
  head.set_status("200");
  CHECK(head.add("Content-Length", " 5 ") == nullptr);
  CHECK(head.add("Content-Length", "5") == nullptr);
  CHECK(head.add("Content-Length", "6") != nullptr);
  CHECK(head.length() == 5);
}

TEST_CASE("response: another status drops the headers of the first") {
  ResponseHead head = head_for(Framing::until_close);
  head.set_status("200");
  head.add("Content-Length", "5");
  head.add("X-Old", "1");
  head.set_status("500 Oops");
  CHECK(!head.length());
  CHECK(head.header_count() == 0);
  head.finish({});
  CHECK(head.bytes() == "HTTP/1.0 500 Oops\r\n\r\n");
}

TEST_CASE("response: a 101 says what the connection becomes, and nothing else does") {
  vassal::ResponseHead head;
  head.reset("HTTP/1.1", vassal::Framing::http11, false);
  CHECK(head.set_status("101") == nullptr);
  CHECK(head.add("Upgrade", "websocket") == nullptr);
  CHECK(head.add("Connection", "Upgrade") == nullptr);
  CHECK(head.finish({}) == vassal::BodyForm::none);
  CHECK(head.bytes() ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\n\r\n");
}

TEST_SUITE_END();
