#include "vassal/request.h"

#include <doctest/doctest.h>
#include <initializer_list>

using vassal::Request;

namespace {

std::string block_of(std::initializer_list<wire::Var> vars) {
  wire::PacketBuilder packet;
  for (const auto& [key, value] : vars)
    packet.add(key, value);
  return packet.bytes().substr(wire::kPacketHeader);
}

std::string_view value_of(const Request& request, std::string_view key) {
  for (const auto& var : request.vars)
    if (var.key == key) return var.value;
  return "(absent)";
}

}  // namespace

TEST_SUITE_BEGIN("vassal");

TEST_CASE("request: what the server needs is picked out, the rest is passed on") {
  const std::string block = block_of({{"REQUEST_METHOD", "POST"},
                                      {"PATH_INFO", "/a"},
                                      {"SCRIPT_NAME", "/s"},
                                      {"CONTENT_LENGTH", "12"},
                                      {"HTTP_X_A", "1"}});
  Request r;
  REQUIRE(r.parse(block, 0) == nullptr);
  CHECK(r.method == "POST");
  CHECK(r.path_info == "/a");
  CHECK(r.script_name == "/s");
  CHECK(r.content_length == 12);
  CHECK(r.var_count == 5);
  CHECK(value_of(r, "HTTP_X_A") == "1");
  CHECK(value_of(r, "CONTENT_LENGTH") == "(absent)");
}

TEST_CASE("request: what PEP 3333 demands is there when the front does not send it") {
  const std::string block = block_of({{"HTTP_HOST", "a.example:8080"}});
  Request r;
  REQUIRE(r.parse(block, 0) == nullptr);
  CHECK(value_of(r, "REQUEST_METHOD") == "GET");
  CHECK(value_of(r, "SERVER_PROTOCOL") == "HTTP/1.0");
  CHECK(value_of(r, "SERVER_NAME") == "a.example");
  CHECK(value_of(r, "SERVER_PORT") == "80");
  CHECK(value_of(r, "QUERY_STRING") == "");
  CHECK(r.script_name == "");
  CHECK(r.scheme == "http");
}

TEST_CASE("request: what a client could abuse is dropped") {
  const std::string block = block_of({{"UWSGI_SETENV", "A=B"},
                                      {"UWSGI_FILE", "/etc/passwd"},
                                      {"HTTP_PROXY", "http://evil"},
                                      {"HTTP_CONTENT_LENGTH", "1"},
                                      {"HTTP_CONTENT_TYPE", "a"},
                                      {"HTTP_TRANSFER_ENCODING", "chunked"},
                                      {"CONTENT_TYPE", ""},
                                      {"HTTP_PROXY_X", "stays"}});
  Request r;
  REQUIRE(r.parse(block, 0) == nullptr);
  for (const char* name :
       {"UWSGI_SETENV", "UWSGI_FILE", "HTTP_PROXY", "HTTP_CONTENT_LENGTH",
        "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "CONTENT_TYPE"})
    CHECK_MESSAGE(value_of(r, name) == "(absent)", name);
  CHECK(value_of(r, "HTTP_PROXY_X") == "stays");
}

TEST_CASE("request: repeated headers are joined, repeated other variables replaced") {
  const std::string block = block_of({{"HTTP_A", "1"},
                                      {"HTTP_COOKIE", "a=1"},
                                      {"HTTP_A", "2"},
                                      {"REMOTE_ADDR", "1.1.1.1"},
                                      {"HTTP_COOKIE", "b=2"},
                                      {"HTTP_A", "3"},
                                      {"REMOTE_ADDR", "2.2.2.2"}});
  Request r;
  REQUIRE(r.parse(block, 0) == nullptr);
  CHECK(value_of(r, "HTTP_A") == "1, 2, 3");
  CHECK(value_of(r, "HTTP_COOKIE") == "a=1; b=2");
  CHECK(value_of(r, "REMOTE_ADDR") == "2.2.2.2");
}

TEST_CASE("request: of two hosts the one with the port is taken, whatever the order") {
  for (const auto& [first, second] :
       {std::pair{"a.example", "A.example:81"}, std::pair{"A.example:81", "a.example"}}) {
    const std::string block = block_of({{"HTTP_HOST", first}, {"HTTP_HOST", second}});
    Request r;
    REQUIRE(r.parse(block, 0) == nullptr);
    CHECK(value_of(r, "HTTP_HOST") == "A.example:81");
  }
}

TEST_CASE("request: the scheme comes from whoever terminates TLS") {
  struct Row {
    const char* key;
    const char* value;
    const char* scheme;
  };
  for (const Row& row : {Row{"HTTPS", "on", "https"}, Row{"HTTPS", "On", "https"},
                         Row{"HTTPS", "1", "https"}, Row{"HTTPS", "off", "http"},
                         Row{"HTTPS", "", "http"}, Row{"UWSGI_SCHEME", "https", "https"},
                         Row{"HTTP_X_FORWARDED_PROTO", "https", "https"},
                         Row{"HTTP_X_FORWARDED_PROTO", "javascript", "http"},
                         Row{"HTTP_X_FORWARDED_SSL", "on", "https"},
                         Row{"REQUEST_SCHEME", "https", "https"}}) {
    CAPTURE(row.key);
    CAPTURE(row.value);
    const std::string block = block_of({{row.key, row.value}});
    Request r;
    REQUIRE(r.parse(block, 0) == nullptr);
    CHECK(r.scheme == row.scheme);
  }
}

TEST_CASE("request: a content length that is no number is an error") {
  for (const char* text : {"-1", "+1", "1e3", " 1", "41, 42", "99999999999999999999"}) {
    CAPTURE(text);
    const std::string block = block_of({{"CONTENT_LENGTH", text}});
    Request r;
    CHECK(r.parse(block, 0) != nullptr);
  }
  const std::string empty = block_of({{"CONTENT_LENGTH", ""}});
  Request r;
  CHECK(r.parse(empty, 0) == nullptr);
  CHECK(!r.content_length);
}

TEST_CASE("request: every truncation of a block is an error or fewer variables") {
  const std::string block =
      block_of({{"PATH_INFO", "/abc"}, {"HTTP_A", "1"}, {"HTTP_A", "2"}});
  for (size_t n = 0; n < block.size(); ++n) {
    CAPTURE(n);
    Request r;
    const char* wrong = r.parse(std::string_view(block).substr(0, n), 0);
    CHECK((wrong != nullptr || r.var_count < 3));
  }
}

TEST_CASE("request: nothing of an earlier request stays") {
  const std::string first = block_of({{"HTTP_A", "1"},
                                      {"HTTP_A", "2"},
                                      {"HTTPS", "on"},
                                      {"CONTENT_LENGTH", "5"},
                                      {"SCRIPT_NAME", "/x"}});
  const std::string second = block_of({{"HTTP_B", "1"}});
  Request r;
  REQUIRE(r.parse(first, 0) == nullptr);
  REQUIRE(r.parse(second, 0) == nullptr);
  CHECK(value_of(r, "HTTP_A") == "(absent)");
  CHECK(r.scheme == "http");
  CHECK(!r.content_length);
  CHECK(r.script_name.empty());
}

TEST_CASE("request: modifier 30 takes the script name off the path") {
  const std::string block =
      block_of({{"SCRIPT_NAME", "/foo"}, {"PATH_INFO", "/foo/bar"}});
  Request r;
  REQUIRE(r.parse(block, 30) == nullptr);
  CHECK(r.path_info == "/bar");
}

TEST_SUITE_END();
