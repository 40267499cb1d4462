#include "router/request_head.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/wire/uwsgi_packet.h"

using router::read_request_head;

namespace {

using Vars = std::vector<std::pair<std::string, std::string>>;

std::string block_of(const Vars& vars) {
  wire::PacketBuilder packet;
  for (const auto& [key, value] : vars)
    CHECK(packet.add(key, value));
  return packet.bytes().substr(wire::kPacketHeader);
}

/// The host, or "400" and the like.
std::string host_of(const Vars& vars) {
  wire::HostBuffer buffer;
  const auto head = read_request_head(block_of(vars), buffer);
  return head ? std::string(head->host) : std::to_string(head.error().status);
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("request head: the key, then HTTP_HOST, then SERVER_NAME, in any order") {
    struct Row {
      Vars vars;
      const char* host;
    };
    const Row rows[] = {
        {{{"HTTP_HOST", "A.Example:8080"}}, "a.example"},
        {{{"HTTP_HOST", "a.example."}}, "a.example"},
        {{{"SERVER_NAME", "b.example"}, {"HTTP_HOST", "a.example"}}, "a.example"},
        {{{"HTTP_HOST", "a.example"}, {"SERVER_NAME", "b.example"}}, "a.example"},
        {{{"HTTP_HOST", ""}, {"SERVER_NAME", "b.example"}}, "b.example"},
        {{{"HTTP_HOST", "a.example"}, {"UWSGI_FASTROUTER_KEY", "c.example"}},
         "c.example"},
        {{{"UWSGI_FASTROUTER_KEY", ""}, {"HTTP_HOST", "a.example"}}, "a.example"},
        {{{"UWSGI_FASTROUTER_KEY", std::string(256, 'x')}, {"HTTP_HOST", "a.example"}},
         "a.example"},
        {{{"HTTP_HOST", "a.example:8080"}, {"HTTP_HOST", "a.example"}}, "a.example"},
        {{{"HTTP_HOST", "[::1]:80"}}, "[::1]"},
        {{{"REQUEST_METHOD", "GET"}}, ""},
        {{{"HTTP_HOST", "../../etc"}}, "400"},
        {{{"HTTP_HOST", "a b"}}, "400"},
        {{{"HTTP_HOST", "a..b"}}, "400"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.vars.front().second);
      CHECK(host_of(row.vars) == row.host);
    }
  }

  TEST_CASE("request head: Content-Length is digits only") {
    const std::pair<const char*, int> rows[] = {
        {"", 0},    {"0", 0},    {"42", 42},  {"-1", -1},   {"4 2", -1},
        {"+4", -1}, {"0x4", -1}, {"4,4", -1}, {"blah", -1}, {"99999999999999999999", -1}};
    for (const auto& [text, expected] : rows) {
      CAPTURE(text);
      wire::HostBuffer buffer;
      const auto head = read_request_head(
          block_of({{"HTTP_HOST", "a"}, {"CONTENT_LENGTH", text}}), buffer);
      if (expected < 0) {
        REQUIRE(!head);
        CHECK(head.error().status == 400);
      } else {
        REQUIRE(head);
        CHECK(head->content_length == static_cast<uint64_t>(expected));
      }
    }
  }

  TEST_CASE("request head: a block cut anywhere but between variables is malformed") {
    const std::string whole = block_of(
        {{"HTTP_HOST", "a.example"}, {"PATH_INFO", ""}, {"CONTENT_LENGTH", "3"}});
    int well_formed = 0;
    for (size_t length = 0; length <= whole.size(); ++length) {
      wire::HostBuffer buffer;
      const auto head = read_request_head(whole.substr(0, length), buffer);
      well_formed += head ? 1 : 0;
      if (!head) CHECK(head.error().status == 400);
    }
    CHECK(well_formed == 4);  // none, one, two, or all three variables
  }

  TEST_CASE("request head: HTTP on the wrong door is recognised") {
    CHECK(router::looks_like_http("GET / HTTP/1.1"));
    CHECK(router::looks_like_http("POST"));
    CHECK_FALSE(router::looks_like_http("GE"));
    CHECK_FALSE(router::looks_like_http(std::string_view("\0\x10\0\0", 4)));
  }
}
