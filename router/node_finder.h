// NodeFinder: which node, if any, a host without a vassal of ours goes to. Pure.
//
// One mapper is in use, the first of uWSGI's order that is configured: an address made of
// the host's name by a pattern, nodes that subscribed, a directory of sockets, fixed
// nodes. Asked once when a request comes (does anybody serve this host?), and again for
// each further try while nothing was sent, until it finds nobody.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "router/subscriptions.h"

namespace router {

/// What operators configure besides subscriptions. Nodes as parse_node_name() takes them,
/// and good ones.
struct FinderRules {
  std::string pattern = {};  ///< a node; "%s" stands for the host
  std::string base = {};  ///< the beginning of a node, with its slash; the host follows
  std::vector<std::string> fixed = {};     ///< nodes that serve every host, in turn
  std::vector<std::string> fallback = {};  ///< nodes that serve when nobody else does
  bool fallback_for_unknown = false;       ///< a host that nobody knows goes there, too
  std::string fallback_key = {};  ///< subscribed; asked for when a host has no node
  std::string force_key = {};     ///< in place of every host
  base::Duration grace = std::chrono::seconds(30);  ///< a failed fixed node rests so long
  unsigned most_retries = 3;                        ///< before the fallbacks

  bool any() const {
    return !pattern.empty() || !base.empty() || !fixed.empty() || !fallback.empty();
  }
};

/// For whom a node is sought.
struct NodeQuery {
  std::string key;           ///< the host as the front sent it, lower-case, with its port
  std::string host;          ///< the same normalised
  uint64_t client_hash = 0;  ///< of the client's address
  size_t fallbacks = 0;      ///< how many were tried; the finder counts
};

class NodeFinder {
 public:
  explicit NodeFinder(Subscriptions& nodes, const FinderRules& rules = {});

  using Verdict = router::Verdict;
  using Finding = router::Finding;
  /// `tries`: connections of this request that failed already. Whoever is not found gets
  /// no further try.
  Finding find(NodeQuery& query, unsigned tries, base::Instant now);
  /// A connection to the node could not be made.
  void failed(Node& node, base::Instant now) const;

  /// Nodes may subscribe from now on.
  void use_subscriptions() { subscribed_ = true; }
  /// Whether any host may have a node: false says that find() knows nobody.
  bool in_use() const { return subscribed_ || rules_.any(); }
  /// By which name somebody said that he serves `host`: itself or a suffix; empty if it
  /// is served like any other, as it would be if the asker had made it up.
  std::string_view name_of(std::string_view host) const {
    return subscribed_ && rules_.pattern.empty() ? nodes_.key_of(host) : "";
  }
  /// Whether somebody could serve now.
  bool anybody(base::Instant now);

  const Nodes& fixed() const { return fixed_; }
  const Nodes& fallback() const { return fallback_; }

 private:
  Finding find_mapped(const NodeQuery& query, unsigned tries, base::Instant now);
  Finding find_subscribed(const NodeQuery& query, base::Instant now);
  Finding find_made(const NodeQuery& query, unsigned tries) const;
  Finding find_fixed(base::Instant now);

  Subscriptions& nodes_;
  FinderRules rules_;
  bool subscribed_ = false;
  Nodes fixed_;
  Nodes fallback_;
  size_t turn_ = 0;  // of the fixed nodes
};

}  // namespace router
