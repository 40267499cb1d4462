// The packet codec, byte by byte and truncated at every length.
#include "base/wire/uwsgi_packet.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

using wire::PacketBuilder;
using wire::VarReader;

namespace {

std::string block_of(const PacketBuilder& packet) {
  return packet.bytes().substr(wire::kPacketHeader);
}

struct Walked {
  std::vector<std::pair<std::string, std::string>> vars;
  const char* error = nullptr;
};

Walked walk(std::string_view block) {
  Walked walked;
  VarReader reader(block);
  while (const auto var = reader.next())
    walked.vars.emplace_back(std::string(var->key), std::string(var->value));
  walked.error = reader.error();
  return walked;
}

PacketBuilder sample() {
  PacketBuilder packet;
  CHECK(packet.add("REQUEST_METHOD", "GET"));
  CHECK(packet.add("CONTENT_LENGTH", ""));
  CHECK(packet.add("HTTP_HOST", "a.example"));
  return packet;
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("uwsgi packet: what was built is read back") {
    const PacketBuilder packet = sample();
    const auto header = wire::decode_header(packet.bytes());
    REQUIRE(header);
    CHECK(header->modifier1 == 0);
    CHECK(header->total() == packet.bytes().size());
    const Walked walked = walk(block_of(packet));
    CHECK(walked.error == nullptr);
    REQUIRE(walked.vars.size() == 3);
    CHECK(walked.vars[1] == std::pair<std::string, std::string>{"CONTENT_LENGTH", ""});
    CHECK(walked.vars[2].second == "a.example");
  }

  TEST_CASE("uwsgi packet: a header needs four bytes") {
    const std::string bytes = sample().bytes();
    for (size_t n = 0; n < wire::kPacketHeader; ++n)
      CHECK_FALSE(wire::decode_header(std::string_view(bytes).substr(0, n)));
  }

  TEST_CASE("uwsgi packet: a block cut anywhere but between variables is an error") {
    const std::string block = block_of(sample());
    const size_t borders[] = {0, 2 + 14 + 2 + 3, 2 + 14 + 2 + 3 + 2 + 14 + 2,
                              block.size()};
    for (size_t n = 0; n <= block.size(); ++n) {
      CAPTURE(n);
      const bool whole = std::ranges::find(borders, n) != std::end(borders);
      CHECK((walk(std::string_view(block).substr(0, n)).error == nullptr) == whole);
    }
  }

  TEST_CASE("uwsgi packet: an empty key is refused") {
    const std::string block("\0\0\1\0x", 5);
    CHECK(std::string(walk(block).error) == "an empty key");
    PacketBuilder packet;
    CHECK_FALSE(packet.add("", "x"));
  }

  TEST_CASE("uwsgi packet: more variables than the bound are refused") {
    PacketBuilder packet;
    for (size_t i = 0; i <= wire::kMaxVars; ++i)
      REQUIRE(packet.add("K", "v"));
    const Walked walked = walk(block_of(packet));
    CHECK(walked.vars.size() == wire::kMaxVars);
    CHECK(std::string(walked.error) == "too many variables");
  }

  TEST_CASE(
      "uwsgi packet: the builder refuses what 16 bits cannot count and stays valid") {
    PacketBuilder packet;
    CHECK(packet.add("A", std::string(65000, 'a')));
    const std::string before = packet.bytes();
    CHECK_FALSE(packet.add("B", std::string(1000, 'b')));
    CHECK(packet.bytes() == before);
    CHECK(packet.add("B", std::string(65535 - 65005 - 5, 'b')));
    CHECK(packet.bytes().size() == wire::kMaxPacket);
    CHECK(wire::decode_header(packet.bytes())->total() == wire::kMaxPacket);
  }
}
