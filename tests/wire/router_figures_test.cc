#include "base/wire/router_figures.h"

#include <vector>

#include <doctest/doctest.h>

using namespace wire;

namespace {

RouterFigures some() {
  RouterFigures figures;
  figures.sessions = 3;
  for (int i = 0; i < 2000; ++i) {
    Tally& tally = figures.hosts["host-" + std::to_string(i) + ".example"];
    tally.requests = static_cast<uint64_t>(i);
    tally.sent = 1'000'000'000'000;
  }
  figures.hosts[""].refused = 4;
  figures.vassals[7].handed_over = 9;
  figures.parked[7] = 8;
  figures.hits["a b 7"] = 5;
  figures.nodes[{"a b 7", "/run/a b.sock"}] = {1, 2, 3, 4, 5};
  figures.nodes[{"", "127.0.0.1:9"}].requests = 6;
  return figures;
}

std::vector<Message> told(const RouterFigures& figures) {
  std::vector<Message> messages;
  tell(figures, "figures", [&](const Message& m) { messages.push_back(m); });
  return messages;
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("figures: as bytes, and what is left of them when they are cut off") {
    const std::string bytes = to_bytes(some());
    const RouterFigures back = figures_of_bytes(bytes);
    CHECK(back.hosts.size() == 2001);
    CHECK(back.nodes.size() == 2);
    CHECK(to_bytes(back) == bytes);
    CHECK(figures_of_bytes("").hosts.empty());
    CHECK(figures_of_bytes("garbage").hosts.empty());
    CHECK(figures_of_bytes(std::string_view(bytes).substr(0, bytes.size() / 2))
              .hosts.size() < 2001);
  }

  TEST_CASE("figures: a large picture goes in several packets and comes back whole") {
    RouterFigures back;
    const auto messages = told(some());
    CHECK(messages.size() > 3);
    for (size_t i = 0; i < messages.size(); ++i) {
      const auto packet = encode(messages[i]);
      REQUIRE(packet);
      const auto message = decode_message(*packet);
      REQUIRE(message);
      CHECK(hear(*message, &back) ==
            (i + 1 == messages.size() ? Heard::last : Heard::more));
    }
    CHECK(back.sessions == 3);
    CHECK(back.hosts.size() == 2001);
    CHECK(back.hosts["host-1999.example"].requests == 1999);
    CHECK(back.hosts["host-0.example"].sent == 1'000'000'000'000);
    CHECK(back.hosts[""].refused == 4);
    CHECK(back.vassals[7].handed_over == 9);
    CHECK(back.parked[7] == 8);
    CHECK(back.hits["a b 7"] == 5);
    CHECK(back.nodes[{"a b 7", "/run/a b.sock"}].received == 5);
    CHECK(back.nodes[{"", "127.0.0.1:9"}].requests == 6);
  }

  TEST_CASE("figures: two processes add up") {
    RouterFigures sum = some();
    sum.add(some());
    CHECK(sum.sessions == 6);
    CHECK(sum.hosts["host-5.example"].requests == 10);
    CHECK(sum.vassals[7].handed_over == 18);
    CHECK(sum.hits["a b 7"] == 10);
    CHECK(sum.nodes[{"a b 7", "/run/a b.sock"}].running == 4);
  }

  TEST_CASE("figures: what is cut off or forged is garbage, never a crash") {
    for (const auto& message : told(some()))
      for (const auto& [name, value] : message.fields) {
        if (name == "last" || name == "sessions") continue;
        const size_t least = name == "hits" || name == "node" ? 2 : value.size();
        for (size_t size = 0; size < std::min<size_t>(least, 200); ++size) {
          RouterFigures into;
          const Message cut{"figures", {{name, value.substr(0, size)}}};
          CHECK(hear(cut, &into) == Heard::garbage);
        }
        break;
      }
    RouterFigures into;
    for (const char* bad : {"99999999999999999999 x", "5 abc", "-1 a", "", " "})
      for (const char* name : {"host", "id", "node", "parked"})
        CHECK(hear({"figures", {{name, bad}}}, &into) == Heard::garbage);
  }
}
