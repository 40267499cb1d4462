#include "router/access_line.h"

#include <doctest/doctest.h>

#include "base/wire/uwsgi_packet.h"

using namespace router;
using namespace std::chrono_literals;

namespace {

const auto kNow =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 16h + 7min + 53s + 45ms;

std::string line(AccessFormat format, const Served& served) {
  return access_line(format, served, kNow);
}

std::string packet() {
  wire::PacketBuilder builder;
  builder.add("REQUEST_METHOD", "GET");
  builder.add("REQUEST_URI", "/a?b=\"c\"");
  builder.add("SERVER_PROTOCOL", "HTTP/1.1");
  builder.add("REMOTE_ADDR", "192.0.2.7");
  builder.add("HTTP_REFERER", "http://other.example/");
  builder.add("HTTP_USER_AGENT", "probe \\ \x1b[31m\n\xe9");
  return builder.bytes() + "body";
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("access log: the common and the combined line of a relayed request") {
    const std::string bytes = packet();
    const Served served{.door = "uwsgi",
                        .host = "a.example",
                        .outcome = Outcome::relayed,
                        .status = 200,
                        .packet = bytes,
                        .sent = 12};
    const std::string common =
        R"(192.0.2.7 - - [21/Nov/2026:16:07:53 +0000] "GET /a?b=\x22c\x22 HTTP/1.1" 200 12)";
    CHECK(line(AccessFormat::common, served) == common + "\n");
    CHECK(line(AccessFormat::combined, served) ==
          common + R"( "http://other.example/" "probe \x5c \x1b[31m\x0a\xe9")" + "\n");
  }

  TEST_CASE("access log: what is not known is a dash") {
    CHECK(line(AccessFormat::combined, {}) ==
          "- - - [21/Nov/2026:16:07:53 +0000] \"-\" - - \"-\" \"-\"\n");
  }

  TEST_CASE("access log: JSON has every time, the node, the hop and the limit") {
    const base::Instant began{};
    const std::string bytes = packet();
    CHECK(line(AccessFormat::json, {.door = "http",
                                    .host = "a.example",
                                    .node = "127.0.0.1:3031",
                                    .outcome = Outcome::refused,
                                    .status = 504,
                                    .refusal = &refusals::kNoAnswer,
                                    .packet = bytes,
                                    .received = 3,
                                    .arrived = began,
                                    .connected = began + 1500us,
                                    .ended = began + 2s}) ==
          R"({"time":"2026-11-21T16:07:53.045Z","door":"http","client":"192.0.2.7",)"
          R"("host":"a.example","method":"GET","target":"/a?b=\"c\"",)"
          R"("protocol":"HTTP/1.1","how":"refused","status":504,"received":3,"sent":0,)"
          R"("referer":"http://other.example/",)"
          R"("user_agent":"probe \\ \u001b[31m\u000a\u00e9","node":"127.0.0.1:3031",)"
          R"("queue_ms":1.500,"total_ms":2000.000,"cause":"request_timeout",)"
          R"("hop":"node 127.0.0.1:3031","limit":"request-timeout"})"
          "\n");
  }

  TEST_CASE("access log: a handed-over request has no status of ours") {
    const std::string text = line(AccessFormat::json, {.door = "uwsgi", .host = "a"});
    CHECK(text.find("\"how\":\"handed over\"") != text.npos);
    CHECK(text.find("status") == text.npos);
    CHECK(text.find("sent") == text.npos);
  }

  TEST_CASE("access log: no line is forged and none is endless") {
    const std::string evil = "x\" 200 1\n1.2.3.4 - - [now] \"GET / HTTP/1.1\" 200 1\r\n" +
                             std::string(9000, 'a');
    for (const auto format :
         {AccessFormat::common, AccessFormat::combined, AccessFormat::json}) {
      const std::string text = line(format, {.method = evil,
                                             .target = evil,
                                             .protocol = evil,
                                             .client = evil,
                                             .referer = evil,
                                             .user_agent = evil});
      CHECK(text.find('\n') == text.size() - 1);
      CHECK(text.find('\r') == text.npos);
      CHECK(text.size() < 15'000);
    }
    CHECK(line(AccessFormat::common, {.client = "a b"}).starts_with("a_b - "));
  }

  TEST_CASE("access log: a packet that is cut off gives nothing") {
    const std::string bytes = packet();
    const std::string none = line(AccessFormat::combined, {});
    for (size_t size = 0; size + 4 < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(line(AccessFormat::combined, {.packet = bytes.substr(0, size)}) == none);
    }
  }
}
