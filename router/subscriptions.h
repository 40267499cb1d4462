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
  size_t most_in_all = 50'000;
  size_t most_kept = 64 << 20;  ///< bytes of packets that are kept for newcomers
  size_t most_running =
      4'000;  ///< requests of one key at once: the others need room, too
};

class Subscriptions {
 public:
  explicit Subscriptions(SubscriptionRules rules) : rules_(rules) {}

  enum class Outcome { added, refreshed, left, unknown, refused };
  /// Does what the packet says. The caller has decided that its sender may.
  Outcome apply(const wire::Subscription& packet,
                base::Instant now,
                const Sender& sender = {});
  /// Says who has to listen at the node's address, if it is a unix socket.
  void set_listener(const wire::Subscription& packet, std::optional<uid_t> uid);
  /// Remembers the datagram that told of a node that is there: whoever asks later can
  /// judge it himself.
  void keep(const wire::Subscription& packet, std::string_view datagram);

  /// Who serves the next request to `name` (a host as it was sent, lower-case), and if
  /// nobody ever did, to `host` (the same normalised).
  Finding find(std::string_view name,
               std::string_view host,
               base::Instant now,
               uint64_t client);
  /// The same for one name.
  Finding find(std::string_view name, base::Instant now, uint64_t client);
  /// Whether anybody at all can serve. Forgets who cannot.
  bool any_alive(base::Instant now);
  /// Whether a node of just this key can.
  bool any_alive(std::string_view key) const;
  /// The key that serves `name`: itself, or a suffix; empty if there is none.
  std::string_view key_of(std::string_view name) const;
  /// A key as it is compared.
  static std::string normal(std::string_view key);
  size_t size() const { return pools_.size(); }

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Pools = std::unordered_map<std::string, NodePool, Hash, std::equal_to<>>;
  const Pools& pools() const { return pools_; }

 private:
  /// Null if it is not there.
  Node* node_of(const wire::Subscription& packet);
  Outcome join(const std::string& key,
               const wire::Subscription& packet,
               base::Instant now,
               const Sender& sender);

  /// Forgets who is gone, of all keys, once in a while: those that nobody asks for, too.
  void sweep(base::Instant now);
  /// Whether one more node may come. Counts those that there are only if there may be too
  /// many, and seldom.
  bool has_room(base::Instant now);
  void count(base::Instant now);

  SubscriptionRules rules_;
  base::Instant swept_;
  base::Instant counted_;
  size_t at_most_ = 0;  // nodes: those that left count until the next look
  size_t kept_ = 0;     // bytes, likewise
  Pools pools_;
};

}  // namespace router
