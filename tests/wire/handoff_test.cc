// The header in front of a handed-over connection.
#include "base/wire/handoff.h"

#include <string>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {
std::string encoded(const wire::HandoffHeader& header) {
  std::string bytes(wire::kHandoffHeader, '\0');
  wire::encode_handoff(header, bytes.data());
  return bytes;
}
}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("handoff: kind, arrival and deadline come back") {
    const base::Instant now = base::Clock::now();
    const auto back =
        wire::decode_handoff(encoded({.kind = wire::HandoffKind::http_pair,
                                      .arrived = now,
                                      .deadline = base::Deadline(now + 30s)}) +
                             "payload");
    REQUIRE(back);
    CHECK(back->kind == wire::HandoffKind::http_pair);
    CHECK(back->arrived == now);
    CHECK(back->deadline.at() == now + 30s);
  }

  TEST_CASE("handoff: never stays never") {
    const auto back = wire::decode_handoff(encoded({}));
    REQUIRE(back);
    CHECK(back->deadline.is_never());
  }

  TEST_CASE("handoff: short, foreign and unknown messages are refused") {
    const std::string bytes = encoded({});
    for (size_t n = 0; n < bytes.size(); ++n)
      CHECK_FALSE(wire::decode_handoff(std::string_view(bytes).substr(0, n)));
    std::string other_version = bytes;
    other_version[0] = 9;
    CHECK_FALSE(wire::decode_handoff(other_version));
    std::string other_kind = bytes;
    other_kind[1] = 77;
    CHECK_FALSE(wire::decode_handoff(other_kind));
    other_kind[1] = 0;
    CHECK_FALSE(wire::decode_handoff(other_kind));
    other_kind[1] = static_cast<char>(wire::HandoffKind::http_pipe);
    CHECK(wire::decode_handoff(other_kind));
  }
}
