#include "vassal/request_log.h"

#include <unistd.h>

#include <doctest/doctest.h>

using vassal::Request;
using vassal::RequestFacts;

namespace {

Request sample() {
  Request r;
  r.method = "GET";
  r.uri = "/a?b=1";
  r.protocol = "HTTP/1.1";
  r.remote_addr = "10.0.0.1";
  r.forwarded_for = "192.0.2.7";
  r.user_agent = "agent \"x\"\n";
  r.var_count = 14;
  r.block_size = 320;
  r.vars.push_back({"HTTP_X", "hello"});
  return r;
}

constexpr RequestFacts kFacts{.worker = 2,
                              .worker_count = 7,
                              .status = 404,
                              .body_bytes = 12,
                              .head_bytes = 88,
                              .headers = 3,
                              .microseconds = 1234,
                              .unix_time = 0};

std::string line(std::string_view format, bool forwarded = false) {
  std::string out;
  vassal::append_request_line(out, format, sample(), kFacts, forwarded);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("vassal");

TEST_CASE("request log: the default line is uWSGI's") {
  const std::string text = line("");
  CHECK(text.starts_with("[pid: " + std::to_string(::getpid()) +
                         "|app: 0|req: 7/7] 10.0.0.1 () {28 vars in 320 bytes} ["));
  CHECK(text.ends_with(
      "] GET /a?b=1 => generated 12 bytes in 1 msecs (HTTP/1.1 404) 3 headers in 88 "
      "bytes (1 switches on core 0)\n"));
}

TEST_CASE("request log: a format of one's own") {
  CHECK(line("%(addr) %(method) %(uri) %(status) %(rsize) %(hsize) %(size) %(micros) "
             "%(wid)") == "10.0.0.1 GET /a?b=1 404 12 88 100 1234 2\n");
  CHECK(line("%(var.HTTP_X) %(var.NONE) %(nonsense) 100%") == "hello - - 100%\n");
  CHECK(line("%(open") == "%(open\n");
}

TEST_CASE("request log: the client's address from the proxy, if asked for") {
  CHECK(line("%(addr)", true) == "192.0.2.7\n");
}

TEST_CASE("request log: nobody forges a line") {
  CHECK(line("%(uagent)") == "agent \"x\"\\x0a\n");
}

TEST_SUITE_END();
