// Subscriptions: the keys that nodes have subscribed to, each with its pool. Pure.
//
// Keys are compared lower-case, with their port if they have one, as subscribed. With
// dotsplit a name that nobody has falls back to ".example.com" and so on, each with its
// leading dot, at most five steps (uWSGI).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "router/node_pool.h"

namespace router {

struct SubscriptionRules {
  Algorithm algorithm = Algorithm::wrr;  ///< of a pool whose first node names none
  base::Duration tolerance = std::chrono::seconds(17);  ///< unheard of for longer: gone
  bool dotsplit = false;
  size_t most_keys = 100'000;
  size_t most_nodes = 1'000;  ///< of one key
  size_t most_running =
      4'000;  ///< requests of one key at once: the others need room, too
};

class Subscriptions {
 public:
  explicit Subscriptions(SubscriptionRules rules) : rules_(rules) {}

  enum class Outcome { added, refreshed, left, unknown, refused };
  /// Does what the packet says. The caller has decided that its sender may.
  Outcome apply(const wire::Subscription& packet, base::Instant now);

  /// A node for a request to `host` (a normalised name, or one with its port).
  std::optional<Lease> choose(std::string_view host, base::Instant now, uint64_t client);
  /// Whether so many requests of `host` run already that another one would take the
  /// others' room.
  bool is_full(std::string_view host) const;
  /// Whether there may be a node for `host`, alive or not.
  bool knows(std::string_view host) const;
  /// A key as it is compared.
  static std::string normal(std::string_view key);
  size_t size() const { return pools_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::optional<Lease> choose_exact(std::string_view key,
                                    base::Instant now,
                                    uint64_t client);
  /// The keys that may serve `host`, the nearest first.
  std::vector<std::string_view> keys_for(std::string_view host) const;
  Outcome join(const std::string& key,
               const wire::Subscription& packet,
               base::Instant now);

  /// Forgets who is gone, of all keys, once in a while: those that nobody asks for, too.
  void sweep(base::Instant now);

  SubscriptionRules rules_;
  base::Instant swept_;
  std::unordered_map<std::string, NodePool, Hash, std::equal_to<>> pools_;
};

}  // namespace router
