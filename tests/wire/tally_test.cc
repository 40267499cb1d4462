#include <doctest/doctest.h>

#include "base/wire/tally_metrics.h"

using namespace wire;
using namespace std::chrono_literals;

TEST_SUITE("wire") {
  TEST_CASE("histogram: counts each duration in the first class that holds it") {
    Histogram h;
    h.add(0us);
    h.add(1ms);
    h.add(1001us);
    h.add(10s);
    h.add(11s);
    h.add(-5s);  // clocks of two processes
    CHECK(h.classes()[0] == 3);
    CHECK(h.classes()[1] == 1);
    CHECK(h.classes()[8] == 1);
    CHECK(h.classes()[9] == 1);
    CHECK(h.count() == 6);
    CHECK(h.sum_us() == 1000 + 1001 + 10'000'000 + 11'000'000);
  }

  TEST_CASE("tally: statuses count by class, and only those there are") {
    Tally t;
    for (const int code : {0, 99, 200, 299, 404, 503, 600})
      t.count_status(code);
    CHECK(t.status == std::array<uint64_t, 5>{0, 2, 0, 1, 1});
  }

  TEST_CASE("tally: comes back from its text, and adds up") {
    Tally a;
    a.requests = 7;
    a.causes[3] = 2;
    a.sent = 1ull << 60;
    a.total.add(3ms);
    const auto b = tally_of(to_text(a));
    REQUIRE(b);
    CHECK(to_text(*b) == to_text(a));
    a.add(*b);
    CHECK(a.requests == 14);
    CHECK(a.causes[3] == 4);
    CHECK(a.total.count() == 2);
    CHECK(a.total.sum_us() == 6000);
  }

  TEST_CASE("tally: a text cut anywhere is none") {
    Tally a;
    a.requests = 12;
    const std::string text = to_text(a);
    for (size_t size = 0; size < text.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(tally_of(std::string_view(text).substr(0, size)));
    }
    for (const std::string_view more : {" 1", " ", "x", "-1"})
      CHECK_FALSE(tally_of(text + std::string(more)));
  }

  TEST_CASE("metrics: one family after the other, labels escaped, histograms add up") {
    Tally t;
    t.requests = 3;
    t.status[4] = 2;
    t.causes[size_t(Cause::queue_max)] = 2;
    t.total.add(3ms);
    t.total.add(7s);
    std::string out;
    append_metrics(&out, "host", {{"a\"b", t}, {"c.example", {}}});
    const auto has = [&out](std::string_view line) {
      return out.find(std::string(line) + "\n") != out.npos;
    };
    CHECK(has("# TYPE imperium_router_host_requests_total counter"));
    CHECK(has(R"(imperium_router_host_requests_total{host="a\"b"} 3)"));
    CHECK(has(R"(imperium_router_host_requests_total{host="c.example"} 0)"));
    CHECK(has(R"(imperium_router_host_responses_total{host="a\"b",class="5xx"} 2)"));
    CHECK(has(R"(imperium_router_host_refused_total{host="a\"b",cause="queue_max"} 2)"));
    CHECK(has("# TYPE imperium_router_host_total_seconds histogram"));
    CHECK(has(R"(imperium_router_host_total_seconds_bucket{host="a\"b",le="0.001"} 0)"));
    CHECK(has(R"(imperium_router_host_total_seconds_bucket{host="a\"b",le="0.005"} 1)"));
    CHECK(has(R"(imperium_router_host_total_seconds_bucket{host="a\"b",le="10"} 2)"));
    CHECK(has(R"(imperium_router_host_total_seconds_bucket{host="a\"b",le="+Inf"} 2)"));
    CHECK(has(R"(imperium_router_host_total_seconds_sum{host="a\"b"} 7.003)"));
    CHECK(has(R"(imperium_router_host_total_seconds_count{host="a\"b"} 2)"));
    CHECK(out.find("queue_seconds_bucket") == out.npos);
  }
}
