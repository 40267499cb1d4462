// Relay: one request to a node, and its answer back, whatever protocol either side
// speaks.
//
// A node that cannot be reached is marked, and the next one is tried: nothing was sent
// yet. After that the node's fate is the request's; only a kept connection that turns out
// to have ended gives it another try, if it may be repeated (RFC 9110, 9.2.2).
#pragma once

#include <memory>
#include <string>

#include "router/exchange.h"
#include "router/node_finder.h"
#include "router/services.h"

namespace router {

struct RelayRequest {
  NodeQuery query;               ///< for whom a node is sought
  std::shared_ptr<Node> node;    ///< of a vassal: the only one, not sought
  std::shared_ptr<Share> share;  ///< of that vassal, if it is limited
  std::string packet;            ///< header and block
  RequestShape shape;
  bool is_head = false;
  bool repeatable = false;  ///< serving it twice is like serving it once
};

/// Serves it to its end. `begun`: what came of the body so far, decoded; must stay.
/// `name` gets the address of the node that served.
uvx::Task<ExchangeResult> relay(Services& services,
                                Client& client,
                                RelayRequest& request,
                                std::string_view begun,
                                std::string& name);

/// What the ledger has to know of an exchange.
void note_exchange(Served& served, const ExchangeResult& result);

/// Whether a request of this method may be repeated.
bool is_repeatable(std::string_view method);

}  // namespace router
