#include "router/subscription_policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/ssh/signature.h"
#include "base/wire/host_name.h"
#include "base/wire/host_pattern.h"
#include "router/node_address.h"
#include "router/signature.h"
#include "router/subscriptions.h"

namespace router {

namespace {

/// Clocks differ; a packet from further ahead would lock out all that come after it.
constexpr uint64_t kMostAhead = 300;
/// Of one key: who signs more of them harms himself only.
constexpr size_t kMostStamps = 1000;
constexpr size_t kMostHolders = 100'000;

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         c == '.' || c == '_' || c == '-';
}

/// A key as the domain that is claimed with it: without its port, ".example.com" (of
/// subscription-dotsplit) as "*.example.com".
std::optional<std::string> claimed_domain(std::string_view key) {
  if (key.starts_with('.')) return wire::normalise_domain("*" + std::string(key));
  return wire::normalise_host(key);
}

/// Whose keys it is signed with: who does not say means the file of the host.
std::string tenant_of(const wire::Subscription& packet, const std::string& host) {
  return packet.ssh_user.empty() ? host : std::string(packet.ssh_user);
}

}  // namespace

std::string key_file_name(std::string_view key) {
  std::string name(key);
  std::ranges::replace_if(name, [](char c) { return !is_plain(c); }, '_');
  return name;
}

std::optional<std::string> SubscriptionPolicy::refuse(const wire::Subscription& packet,
                                                      const Sender& sender,
                                                      uint64_t now) {
  if (auto why = refuse_address(packet, sender)) return why;
  if (!proofs_.credentials_directory.empty())
    if (auto why = refuse_credentials(packet, sender)) return why;
  const bool pem = !proofs_.sign_digest.empty();
  const bool ssh = !proofs_.ssh_directory.empty();
  if (!pem && !ssh) return std::nullopt;
  if (is_trusted(sender)) return refuse_holder(packet, "", now);
  if (!packet.ssh_signature.empty()) {
    if (!ssh) return "it is signed with an SSH key, and none are known";
    if (auto why = refuse_ssh(packet, sender, now)) return why;
    const auto host = claimed_domain(packet.key).value_or("");
    return refuse_holder(packet, "the SSH keys of " + tenant_of(packet, host), now);
  }
  if (!pem) return "it is not signed with an SSH key";
  if (auto why = refuse_signature(packet, sender, now)) return why;
  if (auto why = refuse_time(packet, now)) return why;
  wrong_.note_good(pem_of(packet), sender, now);
  return refuse_holder(packet, "its PEM key", now);
}

/// What is older than the packet is refused for its age after that. One that says no
/// time is a trusted sender's.
SubscriptionPolicy::Departed SubscriptionPolicy::departed(
    const wire::Subscription& packet, uint64_t now) const {
  const uint64_t latest = now + kMostAhead;
  const uint64_t said = std::min(packet.unix_time.value_or(latest), latest);
  if (!packet.ssh_signature.empty()) {
    const auto host = claimed_domain(packet.key).value_or("");
    return {"ssh " + tenant_of(packet, host), said + proofs_.ssh_tolerance};
  }
  if (packet.signature.empty()) {
    const uint64_t pem = proofs_.sign_digest.empty() ? 0 : proofs_.sign_tolerance;
    return {"", said + std::max(pem, proofs_.ssh_tolerance)};
  }
  return {"pem " + Subscriptions::normal(packet.key), said + proofs_.sign_tolerance};
}

bool SubscriptionPolicy::is_trusted(const Sender& sender) const {
  return sender.uid && std::ranges::find(proofs_.sign_skip_uids, *sender.uid) !=
                           proofs_.sign_skip_uids.end();
}

std::optional<uid_t> SubscriptionPolicy::listener_of(const Sender& sender) const {
  if (!proofs_.any() || proofs_.any_address || !sender.uid || is_trusted(sender))
    return std::nullopt;
  const bool above = *sender.uid == 0 || *sender.uid == ::geteuid();
  return above ? std::nullopt : sender.uid;
}

std::optional<std::string> SubscriptionPolicy::refuse_address(
    const wire::Subscription& packet, const Sender& sender) const {
  if (!proofs_.any() || proofs_.any_address || packet.leave || sender.uid)
    return std::nullopt;
  if (is_unix_address(packet.address))
    return "only who subscribes by a unix socket may name one";
  const auto address = parse_node_address(packet.address);
  if (sender.remote && (!address || is_local_address(address->get())))
    return "its address means this machine, and it came from another";
  return std::nullopt;
}

/// The cheap questions first: a forged packet costs one look at one signature.
std::optional<std::string> SubscriptionPolicy::refuse_ssh(
    const wire::Subscription& packet, const Sender& sender, uint64_t now) {
  if (!packet.unix_time) return "it is signed, but says no time";
  if (auto why = guard_.refuse_time(*packet.unix_time, now)) return why;
  const auto host = claimed_domain(packet.key);
  if (!host) return "its key is no host name";
  const auto tenant = tenants_.find(tenant_of(packet, *host));
  if (!tenant) return tenant.error().message();
  const auto found = (*tenant)->find(packet.ssh_key);
  if (found == (*tenant)->end()) return "its SSH key is none of this tenant's";
  const auto& [fingerprint, key] = *found;
  const bool speaks = std::ranges::any_of(key.hosts, [&](const std::string& pattern) {
    return wire::covers(pattern, *host);
  });
  if (!speaks) return "its SSH key does not speak for this host";
  const std::string text = wire::ssh_signed_text(packet.leave, packet.signed_part);
  if (wrong_.too_many(fingerprint, sender, now))
    return "too many wrong signatures of this SSH key in this second";
  if (auto why = ssh::refuse_signature(key.key, text, packet.ssh_signature)) {
    wrong_.note_wrong(fingerprint, sender, now);
    return why;
  }
  const std::string node =
      Subscriptions::normal(packet.key) + '\n' + std::string(packet.address);
  // Recorded, it may come from anywhere.
  if (auto why = guard_.refuse_replay(tenant_of(packet, *host), node, text,
                                      *packet.unix_time, now))
    return why;
  wrong_.note_good(fingerprint, sender, now);
  return std::nullopt;
}

std::optional<std::string> SubscriptionPolicy::refuse_holder(
    const wire::Subscription& packet, const std::string& prover, uint64_t now) {
  if (proofs_.ssh_directory.empty()) return std::nullopt;
  const auto is_over = [&](const Holder& holder) {
    return holder.heard + proofs_.hold < now;
  };
  // With another port it is the same host.
  const std::string host =
      claimed_domain(packet.key).value_or(Subscriptions::normal(packet.key));
  const auto found = holders_.find(host);
  const bool held = found != holders_.end() && !is_over(found->second);
  if (held && found->second.prover != prover)
    return "this host is held by " + (found->second.prover.empty()
                                          ? std::string("a trusted sender")
                                          : found->second.prover);
  if (packet.leave) return std::nullopt;
  if (found == holders_.end() && holders_.size() >= kMostHolders) {
    std::erase_if(holders_, [&](const auto& entry) { return is_over(entry.second); });
    if (holders_.size() >= kMostHolders) return "too many hosts are held";
  }
  Holder& holder = holders_[host];
  // A sibling may tell of it late.
  holder = {prover, held ? std::max(now, holder.heard) : now};
  return std::nullopt;
}

std::optional<std::string> SubscriptionPolicy::refuse_credentials(
    const wire::Subscription& packet, const Sender& sender) const {
  if (!sender.uid || !sender.gid) return "its sender is not known: not a unix socket";
  if (packet.key.find('/') != std::string_view::npos || packet.key.starts_with("."))
    return "a key with '/', or one that begins with '.', stands for no file";
  struct stat file{};
  const std::string path = proofs_.credentials_directory + std::string(packet.key);
  if (::lstat(path.c_str(), &file) != 0) return "no file stands for the key: " + path;
  if (file.st_uid == *sender.uid && file.st_gid == *sender.gid) return std::nullopt;
  return "uid " + std::to_string(*sender.uid) + " does not own " + path;
}

std::string SubscriptionPolicy::pem_of(const wire::Subscription& packet) const {
  return proofs_.sign_directory + "/" + key_file_name(packet.key) + ".pem";
}

std::optional<std::string> SubscriptionPolicy::refuse_signature(
    const wire::Subscription& packet, const Sender& sender, uint64_t now) {
  if (packet.signature.empty()) return "it is not signed";
  const std::string path = pem_of(packet);
  if (wrong_.too_many(path, sender, now))
    return "too many wrong signatures in this second of " + path;
  const auto verified =
      verify(proofs_.sign_digest, path, packet.signed_part, packet.signature);
  if (!verified) return verified.error().message();
  if (*verified) return std::nullopt;
  wrong_.note_wrong(path, sender, now);
  return "its signature is not by " + path;
}

std::optional<std::string> SubscriptionPolicy::refuse_time(
    const wire::Subscription& packet, uint64_t now) {
  if (!packet.unix_time) return "it is signed, but says no time";
  const uint64_t time = *packet.unix_time;
  if (time + proofs_.sign_tolerance < now) return "it is too old";
  if (time > now + kMostAhead) return "it comes from the future";
  Stamps& stamps = stamps_[std::string(packet.key)];
  const std::string address(packet.address);
  if (!stamps.contains(address) && stamps.size() >= kMostStamps) {
    forget_old(stamps, now);
    if (stamps.size() >= kMostStamps) return "too many nodes signed for this key";
  }
  uint64_t& newest = stamps[address];
  if (time <= newest) return "it is not newer than one before (a replay?)";
  newest = time;
  return std::nullopt;
}

void SubscriptionPolicy::forget_old(Stamps& stamps, uint64_t now) const {
  std::erase_if(stamps, [&](const auto& stamp) {
    return stamp.second + proofs_.sign_tolerance < now;
  });
}

}  // namespace router
