#include "router/node_finder.h"

namespace router {

NodeFinder::Finding NodeFinder::find(const NodeQuery& query,
                                     unsigned tries,
                                     base::Instant now) {
  if (!nodes_.knows(query.key) && !nodes_.knows(query.host))
    return {tries == 0 ? Verdict::unknown : Verdict::none, std::nullopt};
  if (nodes_.is_full(query.key) || nodes_.is_full(query.host))
    return {Verdict::full, std::nullopt};
  if (auto lease = nodes_.choose(query.key, now, query.client_hash))
    return {Verdict::found, std::move(lease)};
  if (query.key != query.host)
    if (auto lease = nodes_.choose(query.host, now, query.client_hash))
      return {Verdict::found, std::move(lease)};
  return {Verdict::none, std::nullopt};
}

}  // namespace router
