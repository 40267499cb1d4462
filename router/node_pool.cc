#include "router/node_pool.h"

#include <algorithm>
#include <utility>

namespace router {

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  if (name == "wrr") return Algorithm::wrr;
  if (name == "lrc") return Algorithm::lrc;
  if (name == "wlrc") return Algorithm::wlrc;
  if (name == "iphash") return Algorithm::iphash;
  return std::nullopt;
}

bool NodePool::subscribe(const wire::Subscription& packet, base::Instant now) {
  auto found = std::ranges::find_if(
      nodes_, [&](const auto& node) { return node->address == packet.address; });
  const bool is_new = found == nodes_.end();
  if (is_new) {
    nodes_.push_back(std::make_shared<Node>());
    found = nodes_.end() - 1;
    (*found)->address = packet.address;
    (*found)->modifier1 = packet.modifier1;
    (*found)->modifier2 = packet.modifier2;
  }
  Node& node = **found;
  node.cores = packet.cores;
  node.load = packet.load;
  node.weight = packet.weight;
  node.backup = packet.backup;
  node.heard = now;
  return std::exchange(node.dead, false) || is_new;
}

bool NodePool::unsubscribe(std::string_view address) {
  const auto found = std::ranges::find_if(
      nodes_, [&](const auto& node) { return node->address == address; });
  if (found == nodes_.end()) return false;
  (*found)->dead = true;
  return true;
}

const Node* NodePool::find(std::string_view address) const {
  const auto found = std::ranges::find_if(
      nodes_, [&](const auto& node) { return node->address == address; });
  return found == nodes_.end() ? nullptr : found->get();
}

void NodePool::failed(Node& node) {
  ++node.failures;
  node.dead = true;
}

void NodePool::expire(base::Instant now, base::Duration tolerance) {
  for (const auto& node : nodes_)
    if (now - node->heard > tolerance) node->dead = true;
  std::erase_if(nodes_,
                [](const auto& node) { return node->dead && node->running == 0; });
}

uint64_t NodePool::running() const {
  uint64_t sum = 0;
  for (const auto& node : nodes_)
    sum += node->running;
  return sum;
}

NodePool::Nodes NodePool::candidates() const {
  Nodes alive;
  for (const auto& node : nodes_) {
    if (node->dead) continue;
    if (!alive.empty() && node->backup > alive.front()->backup) continue;
    if (!alive.empty() && node->backup < alive.front()->backup) alive.clear();
    alive.push_back(node);
  }
  return alive;
}

/// Each gains its weight, the richest serves and pays for all.
std::shared_ptr<Node> NodePool::next_in_turn(const Nodes& nodes) {
  int64_t total = 0;
  for (const auto& node : nodes) {
    node->credit += static_cast<int64_t>(node->weight);
    total += static_cast<int64_t>(node->weight);
  }
  const auto richest =
      *std::ranges::max_element(nodes, {}, [](const auto& node) { return node->credit; });
  richest->credit -= total;
  return richest;
}

std::optional<Lease> NodePool::choose(base::Instant now,
                                      base::Duration tolerance,
                                      uint64_t client) {
  expire(now, tolerance);
  const Nodes alive = candidates();
  if (alive.empty()) return std::nullopt;
  switch (algorithm_) {
    case Algorithm::wrr:
      return Lease(next_in_turn(alive));
    case Algorithm::lrc:
      return Lease(*std::ranges::min_element(
          alive, {}, [](const auto& node) { return node->running; }));
    case Algorithm::wlrc:
      return Lease(*std::ranges::min_element(alive, [](const auto& a, const auto& b) {
        return a->running * b->weight < b->running * a->weight;
      }));
    case Algorithm::iphash:
      return Lease(alive[client % alive.size()]);
  }
  return std::nullopt;
}

}  // namespace router
