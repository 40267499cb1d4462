// NodePool: the nodes that serve one key, and which of them gets the next request. Pure.
//
// A node comes by subscription, is refreshed by each further one, and is alive until it
// was not heard of for the tolerance, leaves, or fails. Algorithms as uWSGI names them;
// weighted round robin spreads a node's turns instead of giving them in a row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/wire/subscription.h"
#include "router/protocol.h"
#include "router/request_writer.h"
#include "router/sender.h"

namespace router {

/// wrr: by weight, in turn. lrc: least running requests. wlrc: least running requests for
/// its weight. iphash: by the client's address, the same client the same node.
enum class Algorithm : uint8_t { wrr, lrc, wlrc, iphash };
std::optional<Algorithm> parse_algorithm(std::string_view name);

struct Node {
  /// Where it is known from, which decides what a failure means.
  enum class Kind : uint8_t {
    subscribed,  ///< it announces itself
    fixed,       ///< an option names it: one of several that serve every host
    mapped,      ///< its address was made of the host's name
    fallback,    ///< an option names it for when nobody else serves
  };
  Kind kind = Kind::subscribed;
  std::string address;  ///< as parse_node_address() takes it
  Protocol protocol = Protocol::uwsgi;
  std::optional<uint32_t> uid;  ///< who must listen there, if it is a unix socket
  std::vector<Param> params;    ///< that go with every request there
  uint8_t modifier1 = 0;
  uint8_t modifier2 = 0;
  uint64_t cores = 0;
  uint64_t load = 0;
  uint64_t weight = 1;
  uint64_t backup = 0;
  base::Instant heard;      ///< of its last subscription
  Sender sender;            ///< of that
  std::string datagram;     ///< that itself, for processes that come later
  base::Instant shunned{};  ///< fixed ones get nothing until then
  base::Instant told_at{};  ///< something of it in the log
  bool dead = false;        ///< it left or failed: gone once nothing runs there
  uint64_t running = 0;     ///< requests now, see Lease
  uint64_t requests = 0;
  uint64_t failures = 0;
  uint64_t sent = 0;      ///< bytes to it
  uint64_t received = 0;  ///< bytes from it
  int64_t credit = 0;     ///< for wrr
};
using Nodes = std::vector<std::shared_ptr<Node>>;

/// Holds a node, and counts as one running request there.
class Lease {
 public:
  explicit Lease(std::shared_ptr<Node> node) : node_(std::move(node)) {
    ++node_->running;
    ++node_->requests;
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (node_) --node_->running;
  }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_.get(); }

 private:
  std::shared_ptr<Node> node_;
};

/// The answer to who serves a host.
enum class Verdict {
  found,
  unknown,  ///< nobody ever said that he serves this host
  full,     ///< too many requests of this host run already
  none,     ///< whoever serves it cannot be reached now
};
struct Finding {
  Verdict verdict = Verdict::unknown;
  std::optional<Lease> node = std::nullopt;  ///< there if found
};

class NodePool {
 public:
  explicit NodePool(Algorithm algorithm) : algorithm_(algorithm) {}

  /// Adds or refreshes with what was heard at `now`; the node if it is new (or back),
  /// else null. What is older than what was heard before changes nothing.
  Node* subscribe(const wire::Subscription& packet, base::Instant now);
  /// Marks the node dead; false if there is none of that address.
  bool unsubscribe(std::string_view address) const;
  Node* find(std::string_view address) const;

  /// The node for the next request, none if nobody is alive. `client`: a hash of who
  /// asks.
  std::optional<Lease> choose(base::Instant now,
                              base::Duration tolerance,
                              uint64_t client);

  /// Forgets nodes that were silent for longer than `tolerance`, left or failed, once
  /// nothing runs there.
  void expire(base::Instant now, base::Duration tolerance);
  /// Requests that run at its nodes now.
  uint64_t running() const;
  bool any_alive() const;
  /// Nobody is left, and nobody was heard of for the tolerance.
  bool forgotten(base::Instant now, base::Duration tolerance) const {
    return nodes_.empty() && now - heard_ > tolerance;
  }
  const Nodes& nodes() const { return nodes_; }
  Algorithm algorithm() const { return algorithm_; }
  uint64_t requests() const { return requests_; }

 private:
  bool serves(const Node& node) const { return !node.dead && node.backup == level_; }
  /// The lowest backup level that has anybody alive; false if none has.
  bool find_level();
  std::shared_ptr<Node> next_in_turn() const;
  template <typename Less>
  std::shared_ptr<Node> least(const Less& less) const;
  std::shared_ptr<Node> nth_alive(uint64_t client) const;

  Algorithm algorithm_;
  uint64_t level_ = 0;  // of the nodes that serve now
  uint64_t requests_ = 0;
  base::Instant heard_;
  Nodes nodes_;  // in the order of their first subscription
};

}  // namespace router
