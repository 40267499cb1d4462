// NodeFinder: which node, if any, a host without a vassal of ours goes to. Pure.
//
// Asked once when a request comes (does anybody serve this host?), and again for each
// further try while nothing was sent.
#pragma once

#include <string>

#include "router/subscriptions.h"

namespace router {

/// For whom a node is sought.
struct NodeQuery {
  std::string key;           ///< the host as the front sent it, lower-case, with its port
  std::string host;          ///< the same normalised
  uint64_t client_hash = 0;  ///< of the client's address
};

class NodeFinder {
 public:
  explicit NodeFinder(Subscriptions& nodes) : nodes_(nodes) {}

  enum class Verdict {
    found,
    unknown,  ///< nobody ever said that he serves this host
    full,     ///< too many requests of this host run already
    none,     ///< whoever serves it cannot be reached now
  };
  struct Finding {
    Verdict verdict;
    std::optional<Lease> node;  ///< there if found
  };
  /// `tries`: connections of this request that failed already.
  Finding find(const NodeQuery& query, unsigned tries, base::Instant now);

 private:
  Subscriptions& nodes_;
};

}  // namespace router
