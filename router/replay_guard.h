// ReplayGuard: no signed text is good twice, and none that is older than another of the
// same node. Pure.
//
// Time stamps of a node (who signed, which host, which address) only go forward. Of the
// same second several texts may come (a node that joins and leaves), each once. What is
// older than the window is refused for its age, so nothing has to be remembered longer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace router {

class ReplayGuard {
 public:
  /// `window`: seconds that a time may be off, both ways. `hold`: seconds that a node
  /// takes room after its time, whether or not it is remembered for.
  explicit ReplayGuard(uint64_t window, uint64_t hold = 0)
      : window_(window), kept_(std::max(window, hold)) {}

  /// Why a text of `time` cannot be from now; nothing if it can. Cheap: asked first.
  std::optional<std::string> refuse_time(uint64_t time, uint64_t now) const;
  /// Why a verified `text` must not count (again); else it is remembered. `signer` has
  /// room for a bounded number of nodes of its own.
  std::optional<std::string> refuse_replay(const std::string& signer,
                                           const std::string& node,
                                           std::string_view text,
                                           uint64_t time,
                                           uint64_t now);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Stamp {
    uint64_t time = 0;
    std::vector<Digest> texts;  ///< of that second
  };
  using Stamps = std::unordered_map<std::string, Stamp>;  // by node

  uint64_t window_;
  uint64_t kept_;
  std::unordered_map<std::string, Stamps>
      signers_;  // bounded by the files of keys there are
};

}  // namespace router
