#include "router/subscription_policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "base/ssh/private_key.h"
#include "tests/ssh/keys.h"
#include "tests/support/temp_dir.h"

using router::Sender;
using router::SubscriptionPolicy;

namespace {

constexpr uint64_t kNow = 1'700'000'000;

/// A directory of tenants' keys, and packets that are signed with theirs.
class Tenants {
 public:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  void write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
  }
  SubscriptionPolicy policy() const {
    router::SubscriptionProofs proofs;
    proofs.ssh_directory = directory_;
    return SubscriptionPolicy(proofs);
  }

 private:
  support::TempDir dir_ = {};
  std::string directory_ = dir_.path();
};

struct Says {
  std::string_view key = keys::kEd;
  std::string host = "a.example";
  std::string node = "127.0.0.1:1";
  std::string user = {};
  uint64_t time = kNow;
  bool leave = false;
};

std::string packet_of(const Says& says) {
  const auto key = ssh::PrivateKey::parse(says.key);
  REQUIRE(key);
  const std::string fingerprint = ssh::fingerprint(key->public_key());
  wire::Subscription s;
  s.key = says.host;
  s.address = says.node;
  s.ssh_user = says.user;
  s.ssh_key = fingerprint;
  s.unix_time = says.time;
  s.leave = says.leave;
  const auto plain = wire::encode_subscription(s);
  REQUIRE(plain);
  const auto whole =
      wire::with_ssh_signature(*plain, *key->sign(wire::ssh_signed_text(*plain)));
  REQUIRE(whole);
  return *whole;
}

/// Empty: it is good.
std::string refusal(SubscriptionPolicy& policy,
                    std::string_view datagram,
                    uint64_t now = kNow,
                    const Sender& sender = {}) {
  const auto packet = wire::decode_subscription(datagram);
  if (!packet) return packet.error();
  return policy.refuse(*packet, sender, now).value_or("");
}
std::string refusal(SubscriptionPolicy& policy, const Says& says, uint64_t now = kNow) {
  return refusal(policy, packet_of(says), now);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("subscription policy: so many wrong signatures of a key in a second") {
    const Tenants tenants;
    tenants.write("a.example", keys::kEdPublic);
    auto policy = tenants.policy();
    std::string wrong = packet_of({});
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    for (int n = 0; n < 100; ++n)
      CHECK_FALSE(has(refusal(policy, wrong), "in this second"));
    CHECK(has(refusal(policy, wrong), "in this second"));
    CHECK(has(refusal(policy, Says{}), "in this second"));
    CHECK(refusal(policy, Says{.time = kNow + 1}, kNow + 1) == "");
  }

  TEST_CASE("subscription policy: who sends wrong signatures shuts out himself only") {
    const Tenants tenants;
    tenants.write("a.example", keys::kEdPublic);
    auto policy = tenants.policy();
    std::string wrong = packet_of({});
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    const Sender alice{.uid = 61001, .gid = 61001, .pid = 1};
    const Sender bob{.uid = 61002, .gid = 61002, .pid = 2};
    const auto afar = [](uint64_t network) {
      return Sender{.uid = {}, .gid = {}, .remote = true, .network = network};
    };
    std::string remote = packet_of({.node = "192.0.2.7:1"});
    CHECK(refusal(policy, remote, kNow, afar(1)) == "");
    remote.back() = static_cast<char>(remote.back() ^ 1);
    for (int n = 0; n < 100; ++n)
      CHECK_FALSE(has(refusal(policy, wrong, kNow, bob), "in this second"));
    CHECK(has(refusal(policy, wrong, kNow, bob), "in this second"));
    CHECK(refusal(policy, packet_of({}), kNow, alice) == "");
    // Forged senders use up what there is for strangers.
    bool flooded = false;
    for (uint64_t n = 0; n < 1100 && !flooded; ++n)
      flooded = has(refusal(policy, remote, kNow, afar(1000 + n)), "in this second");
    CHECK(flooded);
    CHECK(has(refusal(policy, packet_of({.node = "192.0.2.8:1"}), kNow, afar(2)),
              "in this second"));
    CHECK(refusal(policy, packet_of({.node = "127.0.0.1:2"}), kNow, alice) == "");
    const std::string there = packet_of({.node = "192.0.2.7:1", .leave = true});
    CHECK(refusal(policy, there, kNow, afar(1)) == "");
    const std::string later = packet_of({.node = "192.0.2.7:1", .time = kNow + 1});
    CHECK(refusal(policy, later, kNow + 1, afar(2)) == "");
  }

  TEST_CASE("subscription policy: from afar no address of this machine is named") {
    const Tenants tenants;
    tenants.write("a.example", keys::kEdPublic);
    const Sender afar{.uid = {}, .gid = {}, .pid = 0, .remote = true};
    const Sender near{};
    const Sender local{.uid = 61001, .gid = 61001, .pid = 1, .remote = false};
    for (const char* node :
         {"127.0.0.1:9200", "127.9.9.9:1", ":3031", "localhost:1", "0.0.0.0:1", "[::1]:1",
          "[::]:1", "[::ffff:127.0.0.1]:1", "[fe80::1]:1", "169.254.169.254:80"}) {
      CAPTURE(node);
      auto policy = tenants.policy();
      const std::string datagram = packet_of({.node = node});
      const auto packet = wire::decode_subscription(datagram);
      CHECK(has(policy.refuse(*packet, afar, kNow).value_or(""), "means this machine"));
      CHECK_FALSE(policy.refuse(*packet, near, kNow));
    }
    for (const char* node : {"/run/php/alice.sock", "@alice"}) {
      CAPTURE(node);
      auto policy = tenants.policy();
      const std::string datagram = packet_of({.node = node});
      const auto packet = wire::decode_subscription(datagram);
      CHECK(has(policy.refuse(*packet, afar, kNow).value_or(""), "by a unix socket"));
      CHECK(has(policy.refuse(*packet, near, kNow).value_or(""), "by a unix socket"));
      CHECK_FALSE(policy.refuse(*packet, local, kNow));
    }
    auto policy = tenants.policy();
    const auto packet = packet_of({.node = "192.0.2.7:8000"});
    CHECK_FALSE(policy.refuse(*wire::decode_subscription(packet), afar, kNow));
    CHECK(policy.listener_of(local) == uid_t{61001});
    CHECK_FALSE(policy.listener_of(near));
    CHECK_FALSE(policy.listener_of({.uid = 0, .gid = 0, .pid = 1, .remote = false}));
    CHECK_FALSE(SubscriptionPolicy({}).listener_of(local));
  }

  TEST_CASE("subscription policy: an SSH key speaks for the host of its file") {
    const Tenants tenants;
    tenants.write("a.example", keys::kEdPublic);
    auto policy = tenants.policy();
    CHECK(refusal(policy, Says{}) == "");
    CHECK(refusal(policy, Says{.host = "A.Example:8080"}) == "");
    CHECK(has(refusal(policy, Says{.host = "b.example"}), "No such file"));
    CHECK(has(refusal(policy, Says{.host = "b.example", .user = "a.example"}),
              "does not speak for this host"));
    CHECK(has(refusal(policy, Says{.host = ".example", .user = "a.example"}),
              "does not speak"));
    CHECK(has(refusal(policy, Says{.key = keys::kRsa}), "none of this tenant's"));
    CHECK(has(refusal(policy, Says{.host = "a/b"}), "no host name"));
    for (const char* user : {"../a.example", ".", "a/b", ".hidden"}) {
      CAPTURE(user);
      CHECK(has(refusal(policy, Says{.user = user}), "can have this name"));
    }
  }

  TEST_CASE("subscription policy: hosts of a line, from the operator's files only") {
    const Tenants tenants;
    const std::string line =
        "hosts=\"shop.example,*.shop.example\" " + std::string(keys::kRsaPublic);
    tenants.write("alice", line);
    auto policy = tenants.policy();
    const Says says{.key = keys::kRsa, .host = "x.shop.example", .user = "alice"};
    CHECK(refusal(policy, says) == "");
    Says other = says;
    other.host = ".shop.example";  // with dotsplit: all below it
    CHECK(refusal(policy, other) == "");
    other.host = "example";
    CHECK(has(refusal(policy, other), "does not speak"));
    // Who can write the file could name anything.
    tenants.write("alice", line, 0666);
    other = says;
    other.node = "127.0.0.1:2";
    CHECK(has(refusal(policy, other), "none of this tenant's"));
    const auto notes = policy.take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(has(notes.front(), "keys of alice, line 1: hosts are only taken"));
  }

  TEST_CASE("subscription policy: files are read again, links are not followed") {
    const Tenants tenants;
    tenants.write("a.example", keys::kRsaPublic);
    auto policy = tenants.policy();
    CHECK(has(refusal(policy, Says{}), "none of this tenant's"));
    tenants.write("new", "junk\n" + std::string(keys::kEdPublic));
    std::filesystem::rename(tenants.path("new"), tenants.path("a.example"));
    CHECK(refusal(policy, Says{}) == "");
    CHECK(policy.take_notes().size() == 1);
    std::filesystem::rename(tenants.path("a.example"), tenants.path("kept"));
    std::filesystem::create_symlink(tenants.path("kept"), tenants.path("a.example"));
    CHECK(has(refusal(policy, Says{.node = "127.0.0.1:2"}), "symbolic links"));
  }

  TEST_CASE("subscription policy: what is signed counts once, now, and as it was said") {
    const Tenants tenants;
    tenants.write("a.example", keys::kEdPublic);
    auto policy = tenants.policy();
    const std::string good = packet_of({});
    std::string turned = good;
    turned[3] = 1;  // modifier2: it leaves
    CHECK(has(refusal(policy, turned), "signature is wrong"));
    for (size_t at = 4; at < good.size(); ++at) {
      CAPTURE(at);
      std::string spoilt = good;
      spoilt[at] = static_cast<char>(spoilt[at] ^ 1);
      auto fresh = tenants.policy();  // that has not seen too many wrong ones
      CHECK(refusal(fresh, spoilt) != "");
    }
    for (size_t size = 0; size < good.size(); ++size)
      CHECK(refusal(policy, good.substr(0, size)) != "");
    CHECK(has(refusal(policy, good, kNow + 61), "too old"));
    CHECK(has(refusal(policy, good, kNow - 61), "from the future"));
    CHECK(refusal(policy, good) == "");
    CHECK(has(refusal(policy, good), "replay"));
    CHECK(refusal(policy, Says{.time = kNow + 1, .leave = true}) == "");
    CHECK(has(refusal(policy, good, kNow + 2), "replay"));
    wire::Subscription bare;
    bare.key = "a.example";
    bare.address = "127.0.0.1:1";
    CHECK(has(refusal(policy, *wire::encode_subscription(bare)), "not signed"));
  }

  TEST_CASE(
      "subscription policy: a tenant has room for so many nodes with all its keys") {
    const Tenants tenants;
    tenants.write("alice", "hosts=\"*.example\" " + std::string(keys::kEdPublic) +
                               "\nhosts=\"*.example\" " + std::string(keys::kRsaPublic));
    tenants.write("bob.test", keys::kEdPublic);
    auto policy = tenants.policy();
    int taken = 0;
    for (int n = 0; n < 2100; ++n) {
      const Says says{.host = "h" + std::to_string(n) + ".example", .user = "alice"};
      if (refusal(policy, says).empty()) ++taken;
    }
    CHECK(taken == 2000);
    CHECK(
        has(refusal(policy, Says{.key = keys::kRsa, .user = "alice"}), "too many nodes"));
    CHECK(refusal(policy, Says{.host = "bob.test"}) == "");
  }

  TEST_CASE("subscription policy: a host stays with who has it") {
    const Tenants tenants;
    tenants.write("alice", "hosts=\"*.example\" " + std::string(keys::kEdPublic));
    tenants.write("bob", "hosts=\"*.example\" " + std::string(keys::kRsaPublic));
    auto policy = tenants.policy();
    const Says alices{.user = "alice"};
    Says bobs{.key = keys::kRsa, .node = "127.0.0.1:2", .user = "bob"};
    CHECK(refusal(policy, alices) == "");
    CHECK(has(refusal(policy, bobs), "held by the SSH keys of alice"));
    bobs.host = "a.example:8080";
    CHECK(has(refusal(policy, bobs), "held by the SSH keys of alice"));
    bobs.host = "a.example";
    bobs.leave = true;
    bobs.node = alices.node;
    CHECK(has(refusal(policy, bobs), "held by the SSH keys of alice"));
    // Silent for longer than nodes live, she holds it no more.
    bobs = {.key = keys::kRsa, .user = "bob", .time = kNow + 18};
    CHECK(refusal(policy, bobs, kNow + 18) == "");
    CHECK(has(refusal(policy, Says{.user = "alice", .time = kNow + 19}, kNow + 19),
              "held by the SSH keys of bob"));
  }
}
