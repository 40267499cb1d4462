#include "router/subscription_policy.h"

#include <sys/stat.h>

#include <algorithm>

#include "router/signature.h"

namespace router {

namespace {

/// Clocks differ; a packet from further ahead would lock out all that come after it.
constexpr uint64_t kMostAhead = 300;
/// Of one key: who signs more of them harms himself only.
constexpr size_t kMostStamps = 1000;

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         c == '.' || c == '_' || c == '-';
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
  if (!proofs_.credentials_directory.empty())
    if (auto why = refuse_credentials(packet, sender)) return why;
  if (proofs_.sign_digest.empty()) return std::nullopt;
  const bool trusted =
      sender.uid && std::ranges::find(proofs_.sign_skip_uids, *sender.uid) !=
                        proofs_.sign_skip_uids.end();
  if (trusted) return std::nullopt;
  if (auto why = refuse_signature(packet)) return why;
  return refuse_time(packet, now);
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

std::optional<std::string> SubscriptionPolicy::refuse_signature(
    const wire::Subscription& packet) const {
  if (packet.signature.empty()) return "it is not signed";
  const std::string path =
      proofs_.sign_directory + "/" + key_file_name(packet.key) + ".pem";
  const auto verified =
      verify(proofs_.sign_digest, path, packet.signed_part, packet.signature);
  if (!verified) return verified.error().message();
  if (!*verified) return "its signature is not by " + path;
  return std::nullopt;
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
