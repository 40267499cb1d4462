// Two registrars that know each other, over real channels.
#include <sys/socket.h>

#include <ctime>
#include <fstream>

#include <doctest/doctest.h>

#include "base/ssh/private_key.h"
#include "base/wire/uwsgi_packet.h"
#include "router/registrar.h"
#include "tests/ssh/keys.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;

namespace {

std::string datagram(std::string_view key, std::string_view address, bool leave = false) {
  wire::PacketBuilder packet(wire::kSubscriptionModifier, leave ? 1 : 0);
  packet.add("key", key);
  packet.add("address", address);
  return packet.bytes();
}

/// Signed with an SSH key, `later` seconds from now.
std::string signed_datagram(uint64_t later, bool leave) {
  const auto key = ssh::PrivateKey::parse(keys::kEd);
  const std::string fingerprint = ssh::fingerprint(key->public_key());
  wire::Subscription s;
  s.key = "a.example";
  s.address = "127.0.0.1:1";
  s.ssh_key = fingerprint;
  s.unix_time = static_cast<uint64_t>(::time(nullptr)) + later;
  s.leave = leave;
  const auto plain = wire::encode_subscription(s);
  return *wire::with_ssh_signature(*plain, *key->sign(wire::ssh_signed_text(*plain)));
}

/// One process's half.
struct Half {
  explicit Half(uvx::Loop& loop, const router::SubscriptionProofs& proofs = {})
      : tasks(loop),
        policy(proofs),
        registrar(loop, log, tasks, nodes, policy, router::ResubscribeRules{}) {}

  bool serves(std::string_view key) const { return nodes.any_alive(key); }

  base::Log log = base::Log::silent();
  uvx::TaskGroup tasks;
  router::Subscriptions nodes{router::SubscriptionRules{}};
  router::SubscriptionPolicy policy;
  router::Registrar registrar;
};

enum class Informed { one, nobody };

struct World {
  explicit World(const router::SubscriptionProofs& proofs = {},
                 Informed informed = Informed::one)
      : one(loop, proofs), two(loop, proofs) {
    auto to_one = *base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
    auto to_two = *base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
    one.registrar.siblings().listen_at(std::move(to_one.first), 1);
    two.registrar.siblings().listen_at(std::move(to_two.first), 2);
    if (informed == Informed::one) one.registrar.be_informed();
    way_to_one = std::move(to_one.second);
    way_to_two = std::move(to_two.second);
  }
  void introduce() {
    one.registrar.introduce(std::move(way_to_two));
    two.registrar.introduce(std::move(way_to_one));
  }
  void settle() { loop.run(wait(&loop)); }
  static uvx::Task<void> wait(uvx::Loop* loop) {
    static_cast<void>(co_await loop->sleep_for(20ms));
  }
  ~World() {
    one.registrar.siblings().close();
    two.registrar.siblings().close();
    loop.run(one.tasks.join());
    loop.run(two.tasks.join());
  }

  uvx::Loop loop;
  Half one;
  Half two;
  base::Fd way_to_one;
  base::Fd way_to_two;
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("siblings: what one hears all know, and what was said before, too") {
    World world;
    world.one.registrar.hear(datagram("early", "/early"), {});
    world.introduce();
    world.two.registrar.siblings().expect({1});
    CHECK(world.two.registrar.siblings().awaits_picture());
    world.two.registrar.hear(datagram("late", "/late"), {.uid = 5, .gid = 6, .pid = 7});
    world.settle();
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
    CHECK(world.two.serves("early"));
    CHECK(world.one.serves("late"));
    const auto& node = *world.one.nodes.pools().at("late").nodes().front();
    CHECK(node.sender.uid == 5);
    CHECK(node.sender.gid == 6);
    CHECK(node.sender.pid == 7);
    world.one.registrar.hear(datagram("late", "/late", true), {});
    world.settle();
    CHECK_FALSE(world.two.serves("late"));
  }

  TEST_CASE("siblings: who tells before he is expected is not waited for") {
    World world;
    world.introduce();
    world.settle();
    world.two.registrar.siblings().expect({1});
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
    world.two.registrar.siblings().expect({1, 3});
    CHECK(world.two.registrar.siblings().awaits_picture());
    world.two.registrar.siblings().forget(3);  // it died
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
  }

  TEST_CASE("siblings: who does not know everything himself tells it when he does") {
    World world;
    world.two.registrar.hear(datagram("early", "/early"), {});
    world.introduce();
    world.one.registrar.siblings().expect({2});
    world.settle();
    CHECK(world.one.registrar.siblings().awaits_picture());
    CHECK_FALSE(world.one.serves("early"));
    world.two.registrar.be_informed();
    world.settle();
    CHECK_FALSE(world.one.registrar.siblings().awaits_picture());
    CHECK(world.one.serves("early"));
  }

  TEST_CASE(
      "siblings: who comes later does not believe what was recorded before a leave") {
    const support::TempDir directory;
    std::ofstream(directory.path() / "a.example") << keys::kEdPublic;
    router::SubscriptionProofs proofs;
    proofs.ssh_directory = directory.path();
    World world(proofs);
    const std::string join = signed_datagram(0, false);
    world.one.registrar.hear(join, {});
    CHECK(world.one.serves("a.example"));
    world.one.registrar.hear(signed_datagram(1, true), {});
    CHECK_FALSE(world.one.serves("a.example"));
    world.introduce();
    world.settle();
    world.two.registrar.hear(join, {});
    CHECK_FALSE(world.two.serves("a.example"));
    world.two.registrar.hear(signed_datagram(2, false), {});
    CHECK(world.two.serves("a.example"));
  }

  TEST_CASE("siblings: what is not believed is not passed on") {
    World world;
    world.introduce();
    world.one.registrar.hear("garbage", {});
    world.one.registrar.hear(datagram("a", "not an address"), {});
    world.settle();
    CHECK(world.one.nodes.size() == 0);
    CHECK(world.two.nodes.size() == 0);
  }

  TEST_CASE("siblings: two that know nothing yet do not wait for each other") {
    World world(router::SubscriptionProofs{}, Informed::nobody);
    world.one.registrar.siblings().expect({}, {2});
    world.introduce();
    CHECK(world.one.registrar.siblings().awaits_picture());
    world.settle();
    CHECK_FALSE(world.one.registrar.siblings().awaits_picture());
    world.two.registrar.siblings().expect({}, {1});  // who said so before
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
    // One that accepts by now tells it, whatever it said before.
    world.two.registrar.siblings().expect({1});
    CHECK(world.two.registrar.siblings().awaits_picture());
    world.one.registrar.be_informed();
    world.settle();
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
  }

  TEST_CASE("siblings: however much there is to tell, the newcomer hears all of it") {
    World world;
    const std::string padding(3900, 'x');
    constexpr int kNodes = 18'000;  // 70 MB
    for (int n = 0; n < kNodes; ++n) {
      wire::PacketBuilder packet(wire::kSubscriptionModifier, 0);
      packet.add("key", "k" + std::to_string(n));
      packet.add("address", "/a");
      packet.add("padding", padding);
      world.one.registrar.hear(packet.bytes(), {});
    }
    world.introduce();
    world.two.registrar.siblings().expect({1});
    const auto expected = world.two.registrar.siblings().told_at();
    const auto patience = base::Deadline::in(60s);
    while (world.two.registrar.siblings().awaits_picture() && !patience.passed())
      world.settle();
    CHECK_FALSE(world.two.registrar.siblings().awaits_picture());
    CHECK(world.two.registrar.siblings().told_at() > expected);
    CHECK(world.two.nodes.size() > 16'000);  // what is kept
  }

  TEST_CASE("siblings: one that is gone is forgotten, the others hear on") {
    World world;
    world.introduce();
    world.two.registrar.siblings().close();
    world.settle();
    world.one.registrar.hear(datagram("a", "/a"), {});
    world.one.registrar.hear(datagram("b", "/b"), {});
    world.settle();
    CHECK(world.one.serves("b"));
  }

  TEST_CASE("siblings: old news do not bring back who failed since") {
    World world;
    world.one.registrar.hear(datagram("a", "/a"), {});
    world.two.registrar.hear(datagram("a", "/a"), {});
    world.two.nodes.pools().at("a").nodes().front()->dead = true;
    world.introduce();
    world.settle();
    CHECK_FALSE(world.two.serves("a"));
    world.one.registrar.hear(datagram("a", "/a"), {});
    world.settle();
    CHECK(world.two.serves("a"));
  }
}
