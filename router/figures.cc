#include "router/figures.h"

namespace router {

namespace {

wire::NodeFigures figures_of(const Node& node) {
  return {.requests = node.requests,
          .running = node.running,
          .failures = node.failures,
          .sent = node.sent,
          .received = node.received};
}

}  // namespace

wire::RouterFigures figures_of(const Ledger& ledger,
                               const Subscriptions& subscriptions,
                               const NodeFinder& finder,
                               size_t sessions) {
  wire::RouterFigures figures;
  figures.sessions = sessions;
  for (const auto& [host, site] : ledger.hosts())
    figures.hosts.emplace(host, site.tally);
  figures.hosts.emplace(kOtherHosts, ledger.other());
  for (const auto& [id, tally] : ledger.vassals())
    figures.vassals.emplace(id, tally);
  for (const auto& [key, pool] : subscriptions.pools()) {
    figures.hits.emplace(key, pool.requests());
    for (const auto& node : pool.nodes())
      figures.nodes.emplace(std::pair(key, node->address), figures_of(*node));
  }
  for (const Nodes* nodes : {&finder.fixed(), &finder.fallback()})
    for (const auto& node : *nodes)
      figures.nodes.emplace(std::pair(std::string(), node->address), figures_of(*node));
  return figures;
}

}  // namespace router
