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
#include <vector>

#include "base/clock.h"
#include "base/wire/subscription.h"

namespace router {

/// wrr: by weight, in turn. lrc: least running requests. wlrc: least running requests for
/// its weight. iphash: by the client's address, the same client the same node.
enum class Algorithm : uint8_t { wrr, lrc, wlrc, iphash };
std::optional<Algorithm> parse_algorithm(std::string_view name);

struct Node {
  std::string address;
  uint8_t modifier1 = 0;
  uint8_t modifier2 = 0;
  uint64_t cores = 0;
  uint64_t load = 0;
  uint64_t weight = 1;
  uint64_t backup = 0;
  base::Instant heard;   ///< of its last subscription
  bool dead = false;     ///< it left or failed: gone once nothing runs there
  uint64_t running = 0;  ///< requests now, see Lease
  uint64_t requests = 0;
  uint64_t failures = 0;
  int64_t credit = 0;  ///< for wrr
};

/// Holds a node, and counts as one running request there.
class Lease {
 public:
  explicit Lease(std::shared_ptr<Node> node) : node_(std::move(node)) {
    ++node_->running;
    ++node_->requests;
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
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

class NodePool {
 public:
  explicit NodePool(Algorithm algorithm) : algorithm_(algorithm) {}

  /// Adds or refreshes; true if the node is new (or back).
  bool subscribe(const wire::Subscription& packet, base::Instant now);
  /// Marks the node dead; false if there is none of that address.
  bool unsubscribe(std::string_view address);
  const Node* find(std::string_view address) const;

  /// The node for the next request, none if nobody is alive. `client`: a hash of who
  /// asks.
  std::optional<Lease> choose(base::Instant now,
                              base::Duration tolerance,
                              uint64_t client);
  /// A connection to it could not be made: it gets nothing until it subscribes again.
  static void failed(Node& node);

  /// Forgets nodes that were silent for longer than `tolerance`, left or failed, once
  /// nothing runs there.
  void expire(base::Instant now, base::Duration tolerance);
  /// Requests that run at its nodes now.
  uint64_t running() const;
  bool empty() const { return nodes_.empty(); }
  const std::vector<std::shared_ptr<Node>>& nodes() const { return nodes_; }
  Algorithm algorithm() const { return algorithm_; }

 private:
  using Nodes = std::vector<std::shared_ptr<Node>>;
  /// Those alive of the lowest backup level that has any.
  Nodes candidates() const;
  static std::shared_ptr<Node> next_in_turn(const Nodes& nodes);

  Algorithm algorithm_;
  Nodes nodes_;  // in the order of their first subscription
};

}  // namespace router
