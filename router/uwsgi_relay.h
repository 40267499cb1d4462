// UwsgiRelay: a request that came by the uwsgi protocol and goes to a node.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "router/node_finder.h"
#include "router/services.h"

namespace router {

/// What came in on the front's connection so far, and for whom.
struct UwsgiRequest {
  std::string packet;            ///< header and block
  std::string begun;             ///< the beginning of the body
  NodeQuery query;               ///< for whom a node is sought
  std::shared_ptr<Node> node;    ///< of a vassal: the only one, not sought
  std::shared_ptr<Share> share;  ///< of that vassal, if it is limited
  std::optional<VassalId> vassal;
  base::Instant arrived;
  uint64_t content_length = 0;
  uint64_t limit_post = 0;  ///< 0: none
};

/// Serves it to its end.
uvx::Task<void> relay_uwsgi(Services& services, base::Fd socket, UwsgiRequest request);

}  // namespace router
