#include "router/replay_guard.h"

#include <openssl/sha.h>

#include <algorithm>

namespace router {

namespace {

/// Who signs for more nodes, or more often, harms himself only.
constexpr size_t kMostNodes = 2000;
constexpr size_t kMostTexts = 16;

}  // namespace

std::optional<std::string> ReplayGuard::refuse_time(uint64_t time, uint64_t now) const {
  if (time < now && now - time > window_) return "it is too old";
  if (time > now && time - now > window_) return "it comes from the future";
  return std::nullopt;
}

std::optional<std::string> ReplayGuard::refuse_replay(const std::string& signer,
                                                      const std::string& node,
                                                      std::string_view text,
                                                      uint64_t time,
                                                      uint64_t now) {
  Stamps& stamps = signers_[signer];
  if (!stamps.contains(node) && stamps.size() >= kMostNodes) {
    std::erase_if(stamps, [&](const auto& entry) {
      return entry.second.time < now && now - entry.second.time > kept_;
    });
    if (stamps.size() >= kMostNodes) return "its tenant has signed for too many nodes";
  }
  Stamp& stamp = stamps[node];
  if (time < stamp.time) return "it is older than one before (a replay?)";
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  if (time == stamp.time) {
    if (std::ranges::find(stamp.texts, digest) != stamp.texts.end())
      return "it was heard before (a replay?)";
    if (stamp.texts.size() >= kMostTexts) return "too many of this node in one second";
  } else {
    stamp = {time, {}};
  }
  stamp.texts.push_back(digest);
  return std::nullopt;
}

}  // namespace router
