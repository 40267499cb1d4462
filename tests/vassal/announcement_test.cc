#include "vassal/announcement.h"

#include <doctest/doctest.h>

#include "base/wire/subscription.h"
#include "vassal/address.h"

using vassal::OwnAddress;
using vassal::Subscription;
using vassal::VassalConfig;

namespace {

const std::vector<OwnAddress> kOwn{
    {.text = "/run/a.sock"},
    {.text = "127.0.0.1:3000", .protocol = vassal::SocketProtocol::http}};

Subscription subscription(const char* text) {
  auto parsed = std::string_view(text).find("key=") == std::string_view::npos
                    ? vassal::parse_subscribe_to(text)
                    : vassal::parse_subscribe2(text);
  REQUIRE(parsed);
  return *parsed;
}

/// What a router hears; the packet has to outlive it.
wire::Subscription heard(const std::optional<std::string>& packet) {
  REQUIRE(packet);
  const auto decoded = wire::decode_subscription(*packet);
  REQUIRE(decoded);
  return *decoded;
}

}  // namespace

TEST_SUITE("vassal") {
  TEST_CASE("announcement: the first socket, cores, weight and time") {
    VassalConfig config;
    config.processes = 2;
    config.threads = 4;
    config.weight = 7;
    const auto packet = announcement(config, subscription("10.0.0.1:4040:a.example:8000"),
                                     kOwn, {.unix_time = 100, .load = 3});
    const auto s = heard(packet);
    CHECK(s.key == "a.example:8000");
    CHECK(s.address == "/run/a.sock");
    CHECK(s.cores == 8);
    CHECK(s.weight == 7);
    CHECK(s.load == 3);
    CHECK(s.unix_time == 100);
    CHECK(s.proto.empty());
    CHECK_FALSE(s.leave);
  }

  TEST_CASE("announcement: who leaves is newer than what he said in the same second") {
    const auto packet = announcement({}, subscription("10.0.0.1:4040:a"), kOwn,
                                     {.unix_time = 100, .leave = true});
    CHECK(heard(packet).leave);
    CHECK(heard(packet).unix_time == 101);
  }

  TEST_CASE("announcement: another socket or address, and what is spoken there") {
    auto packet = announcement({}, subscription("=1=/run/sub:a"), kOwn, {});
    CHECK(heard(packet).address == "127.0.0.1:3000");
    CHECK(heard(packet).proto == "h");
    packet = announcement({}, subscription("10.0.0.2:80=10.0.0.1:4040:a"), kOwn, {});
    CHECK(heard(packet).address == "10.0.0.2:80");
    CHECK_FALSE(announcement({}, subscription("=2=/run/sub:a"), kOwn, {}));
    CHECK_FALSE(announcement({}, subscription("/run/sub:a"), {}, {}));
  }

  TEST_CASE("announcement: what subscribe2 says goes before what the vassal says") {
    VassalConfig config;
    config.weight = 7;
    config.subscribe_with_modifier1 = 5;
    auto packet = announcement(
        config,
        subscription("server=/run/sub,key=a,weight=2,backup=1,algo=lrc,proto=f,"
                     "modifier1=9,modifier2=3,socket=1"),
        kOwn, {});
    const auto s = heard(packet);
    CHECK(s.weight == 2);
    CHECK(s.backup == 1);
    CHECK(s.algo == "lrc");
    CHECK(s.proto == "f");
    CHECK(s.modifier1 == 9);
    CHECK(s.modifier2 == 3);
    CHECK(s.address == "127.0.0.1:3000");
    packet = announcement(config, subscription("/run/sub:a"), kOwn, {});
    CHECK(heard(packet).modifier1 == 5);
    packet = announcement(config, subscription("/run/sub:a,8"), kOwn, {});
    CHECK(heard(packet).modifier1 == 8);
    config.weight = 0;
    config.auto_weight = true;
    config.processes = 3;
    packet = announcement(config, subscription("/run/sub:a"), kOwn, {});
    CHECK(heard(packet).weight == 3);
  }

  TEST_CASE("announcement: the signature is the last pair and over all before it") {
    const auto parsed = subscription("/run/sub:a,0,SHA256:/etc/key.pem");
    CHECK(parsed.sign_digest == "SHA256");
    CHECK(parsed.sign_key == "/etc/key.pem");
    const auto packet = announcement({}, parsed, kOwn, {.unix_time = 5});
    REQUIRE(packet);
    const auto whole = vassal::with_signature(*packet, "signature");
    const auto s = heard(whole);
    CHECK(s.signature == "signature");
    CHECK(s.signed_part == vassal::signed_part(*packet));
    CHECK_FALSE(vassal::with_signature(*packet, std::string(5000, 'x')));
  }

  TEST_CASE("announcement: only what is meant for somebody else's router is sent") {
    auto s = subscription("/run/sub:a");
    CHECK(vassal::is_sent(s));
    s.ours = true;
    CHECK_FALSE(vassal::is_sent(s));
    CHECK_FALSE(vassal::is_sent(subscription("key=a")));
  }

  TEST_CASE("announcement: a port that the kernel chose is said, a host as it stands") {
    vassal::SocketAddress socket;
    socket.kind = vassal::SocketAddress::Kind::tcp;
    CHECK(vassal::own_address(socket, 4711).text == ":4711");
    socket.host = "10.0.0.1";
    socket.port = 80;
    CHECK(vassal::own_address(socket, 4711).text == "10.0.0.1:80");
    socket.host = "::1";
    CHECK(vassal::own_address(socket, 0).text == "[::1]:80");
    socket.kind = vassal::SocketAddress::Kind::abstract;
    socket.path = "x";
    CHECK(vassal::own_address(socket, 0).text == "@x");
  }

  TEST_CASE("announcement: which router is this machine's own") {
    using vassal::is_own_router;
    CHECK(is_own_router("127.0.0.1:4040", "0.0.0.0:4040"));
    CHECK_FALSE(is_own_router("127.0.0.1:4041", "0.0.0.0:4040"));
    CHECK(is_own_router("", "127.0.0.1:4040"));
    for (const char* here : {"/run/sub", "@sub", "127.0.0.1:4040", "127.0.0.2:1",
                             "localhost:1", ":4040", "[::1]:4040"})
      CHECK(is_own_router(here, vassal::kLocalRouter));
    CHECK_FALSE(is_own_router("10.0.0.1:4040", vassal::kLocalRouter));
    CHECK_FALSE(is_own_router("/run/sub", vassal::kNoRouter));
    CHECK_FALSE(is_own_router("", vassal::kNoRouter));
  }
}
