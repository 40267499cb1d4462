#include "base/wire/subscription.h"

#include <string>

#include <doctest/doctest.h>

#include "base/wire/uwsgi_packet.h"

namespace {

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string datagram(const Pairs& pairs, uint8_t modifier2 = 0) {
  wire::PacketBuilder packet(wire::kSubscriptionModifier, modifier2);
  for (const auto& [key, value] : pairs)
    packet.add(key, value);
  return packet.bytes();
}

std::string wrong(const std::string& bytes) {
  const auto decoded = wire::decode_subscription(bytes);
  return decoded ? "" : decoded.error();
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("subscription: what a uWSGI master sends is understood") {
    const std::string bytes = datagram({{"key", "a.example.com"},
                                        {"address", "127.0.0.1:3031"},
                                        {"modifier1", "5"},
                                        {"modifier2", "0"},
                                        {"cores", "4"},
                                        {"load", "2"},
                                        {"weight", "3"},
                                        {"pid", "77"},
                                        {"unix", "1700000000"}});
    const auto s = wire::decode_subscription(bytes);
    REQUIRE(s);
    CHECK(s->key == "a.example.com");
    CHECK(s->address == "127.0.0.1:3031");
    CHECK(s->modifier1 == 5);
    CHECK(s->cores == 4);
    CHECK(s->load == 2);
    CHECK(s->weight == 3);
    CHECK(s->unix_time == 1'700'000'000);
    CHECK_FALSE(s->leave);
    CHECK(s->signature.empty());
  }

  TEST_CASE("subscription: modifier2 other than 0 unsubscribes, weight 0 counts as 1") {
    const auto s = wire::decode_subscription(
        datagram({{"key", "a"}, {"address", "/s"}, {"weight", "0"}}, 1));
    REQUIRE(s);
    CHECK(s->leave);
    CHECK(s->weight == 1);
  }

  TEST_CASE("subscription: the signature is over everything before its own pair") {
    const std::string before = datagram({{"key", "a"}, {"address", "/s"}, {"unix", "9"}});
    const std::string bytes = datagram(
        {{"key", "a"}, {"address", "/s"}, {"unix", "9"}, {"sign", "\x01\x02\x03"}});
    const auto s = wire::decode_subscription(bytes);
    REQUIRE(s);
    CHECK(s->signature == "\x01\x02\x03");
    CHECK(s->signed_part == before.substr(wire::kPacketHeader));
  }

  TEST_CASE("subscription: what is wrong is said") {
    CHECK(wrong(datagram({{"address", "/s"}})) == "it has no key");
    CHECK(wrong(datagram({{"key", "a"}})) == "it has no address");
    CHECK(wrong(datagram({{"key", "a"}, {"key", "b"}, {"address", "/s"}})) ==
          "a field is given twice");
    CHECK(wrong(datagram({{"key", "a"}, {"address", "/s"}, {"weight", "-1"}})) ==
          "a field is not a number");
    CHECK(wrong(datagram({{"key", "a"}, {"address", "/s"}, {"modifier1", "256"}})) != "");
    CHECK(wrong(datagram({{"sign", "x"}, {"key", "a"}, {"address", "/s"}})) ==
          "the signature is not the last");
    CHECK(wrong(datagram({{"key", std::string(256, 'k')}, {"address", "/s"}})) ==
          "a field is too long");
    CHECK(wrong("GET / HTTP/1.1\r\n") == "not a subscription packet");
  }

  TEST_CASE(
      "subscription: cut at any length, or with anything behind it, it is refused") {
    const std::string whole =
        datagram({{"key", "a"}, {"address", "/s"}, {"sign", "abcdef"}});
    for (size_t n = 0; n < whole.size(); ++n)
      CHECK_FALSE(wire::decode_subscription(whole.substr(0, n)));
    CHECK_FALSE(wire::decode_subscription(whole + "x"));
    const std::string fat(5000, 'x');
    CHECK_FALSE(wire::decode_subscription(
        datagram({{"key", "a"}, {"address", "/s"}, {"other", fat}})));
  }

  TEST_CASE("subscription: what is encoded is decoded") {
    wire::Subscription s;
    s.key = "b.example.com";
    s.address = "@abstract";
    s.weight = 7;
    s.backup = 1;
    s.algo = "lrc";
    s.unix_time = 42;
    s.leave = true;
    const auto bytes = wire::encode_subscription(s);
    REQUIRE(bytes);
    const auto back = wire::decode_subscription(*bytes);
    REQUIRE(back);
    CHECK(back->key == s.key);
    CHECK(back->address == s.address);
    CHECK(back->weight == 7);
    CHECK(back->backup == 1);
    CHECK(back->algo == "lrc");
    CHECK(back->unix_time == 42);
    CHECK(back->leave);
  }
}
