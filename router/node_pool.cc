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

Node* NodePool::find(std::string_view address) const {
  const auto found = std::ranges::find_if(
      nodes_, [&](const auto& node) { return node->address == address; });
  return found == nodes_.end() ? nullptr : found->get();
}

Node* NodePool::subscribe(const wire::Subscription& packet, base::Instant now) {
  Node* node = find(packet.address);
  const bool is_new = node == nullptr;
  if (is_new) {
    node = nodes_.emplace_back(std::make_shared<Node>()).get();
    node->address = packet.address;
    node->modifier1 = packet.modifier1;
    node->modifier2 = packet.modifier2;
  } else if (now < node->heard) {
    return nullptr;
  }
  node->protocol = parse_protocol(packet.proto).value_or(Protocol::uwsgi);
  node->cores = packet.cores;
  node->load = packet.load;
  node->weight = packet.weight;
  node->backup = packet.backup;
  node->heard = heard_ = now;
  return std::exchange(node->dead, false) || is_new ? node : nullptr;
}

bool NodePool::unsubscribe(std::string_view address) const {
  Node* node = find(address);
  if (node == nullptr) return false;
  node->dead = true;
  return true;
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

bool NodePool::any_alive() const {
  return std::ranges::any_of(nodes_, [](const auto& node) { return !node->dead; });
}

bool NodePool::find_level() {
  bool any = false;
  for (const auto& node : nodes_) {
    if (node->dead) continue;
    level_ = any ? std::min(level_, node->backup) : node->backup;
    any = true;
  }
  return any;
}

/// Each gains its weight, the richest serves and pays for all.
std::shared_ptr<Node> NodePool::next_in_turn() const {
  int64_t total = 0;
  const std::shared_ptr<Node>* richest = nullptr;
  for (const auto& node : nodes_) {
    if (!serves(*node)) continue;
    node->credit += static_cast<int64_t>(node->weight);
    total += static_cast<int64_t>(node->weight);
    if (richest == nullptr || node->credit > (*richest)->credit) richest = &node;
  }
  (*richest)->credit -= total;
  return *richest;
}

template <typename Less>
std::shared_ptr<Node> NodePool::least(const Less& less) const {
  const std::shared_ptr<Node>* best = nullptr;
  for (const auto& node : nodes_)
    if (serves(*node) && (best == nullptr || less(*node, **best))) best = &node;
  return *best;
}

std::shared_ptr<Node> NodePool::nth_alive(uint64_t client) const {
  const auto alive =
      std::ranges::count_if(nodes_, [&](const auto& node) { return serves(*node); });
  uint64_t left = client % static_cast<uint64_t>(alive);
  for (const auto& node : nodes_)
    if (serves(*node) && left-- == 0) return node;
  return nodes_.front();
}

std::optional<Lease> NodePool::choose(base::Instant now,
                                      base::Duration tolerance,
                                      uint64_t client) {
  expire(now, tolerance);
  if (!find_level()) return std::nullopt;
  ++requests_;
  switch (algorithm_) {
    case Algorithm::wrr:
      return Lease(next_in_turn());
    case Algorithm::lrc:
      return Lease(
          least([](const Node& a, const Node& b) { return a.running < b.running; }));
    case Algorithm::wlrc:
      return Lease(least([](const Node& a, const Node& b) {
        return a.running * b.weight < b.running * a.weight;
      }));
    case Algorithm::iphash:
      return Lease(nth_alive(client));
  }
  return std::nullopt;
}

}  // namespace router
