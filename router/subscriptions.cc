#include "router/subscriptions.h"

#include <algorithm>

namespace router {

namespace {

constexpr int kMostSteps = 5;
constexpr base::Duration kCountEvery = std::chrono::seconds(1);

/// The suffix to try next, with its leading dot; empty after the last one.
std::string_view next_suffix(std::string_view name) {
  const size_t dot = name.find('.', name.starts_with('.') ? 1 : 0);
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot);
}

}  // namespace

std::string Subscriptions::normal(std::string_view key) {
  std::string out(key);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

Subscriptions::Outcome Subscriptions::apply(const wire::Subscription& packet,
                                            base::Instant now,
                                            const Sender& sender) {
  const std::string key = normal(packet.key);
  if (!packet.leave) return join(key, packet, now, sender);
  const auto pool = pools_.find(key);
  const bool left = pool != pools_.end() && pool->second.unsubscribe(packet.address);
  return left ? Outcome::left : Outcome::unknown;
}

Subscriptions::Outcome Subscriptions::join(const std::string& key,
                                           const wire::Subscription& packet,
                                           base::Instant now,
                                           const Sender& sender) {
  auto pool = pools_.find(key);
  const bool known = pool != pools_.end() && pool->second.find(packet.address) != nullptr;
  if (!known && !has_room(now)) return Outcome::refused;
  if (pool == pools_.end()) {
    sweep(now);
    if (pools_.size() >= rules_.most_keys) return Outcome::refused;
    const auto asked = parse_algorithm(packet.algo);
    pool = pools_.emplace(key, NodePool(asked.value_or(rules_.algorithm))).first;
  }
  if (!known) pool->second.expire(now, rules_.tolerance);
  if (!known && pool->second.nodes().size() >= rules_.most_nodes) return Outcome::refused;
  if (!known) ++at_most_;
  Node* joined = pool->second.subscribe(packet, now);
  if (joined != nullptr) joined->sender = sender;
  return joined != nullptr ? Outcome::added : Outcome::refreshed;
}

Node* Subscriptions::node_of(const wire::Subscription& packet) {
  const auto pool = pools_.find(normal(packet.key));
  return pool == pools_.end() ? nullptr : pool->second.find(packet.address);
}

void Subscriptions::set_listener(const wire::Subscription& packet,
                                 std::optional<uid_t> uid) {
  if (Node* node = node_of(packet)) node->uid = uid;
}

void Subscriptions::keep(const wire::Subscription& packet, std::string_view datagram) {
  Node* node = node_of(packet);
  if (node == nullptr) return;
  kept_ -= std::min(kept_, node->datagram.size());
  node->datagram.clear();
  if (kept_ + datagram.size() > rules_.most_kept) return;
  kept_ += datagram.size();
  node->datagram.assign(datagram);
}

bool Subscriptions::has_room(base::Instant now) {
  const bool full =
      at_most_ >= rules_.most_in_all || kept_ + wire::kMaxSubscription > rules_.most_kept;
  if (full && now - counted_ >= kCountEvery) count(now);
  return at_most_ < rules_.most_in_all;
}

void Subscriptions::count(base::Instant now) {
  counted_ = now;
  at_most_ = kept_ = 0;
  for (auto& [key, pool] : pools_) {
    pool.expire(now, rules_.tolerance);
    at_most_ += pool.nodes().size();
    for (const auto& node : pool.nodes())
      kept_ += node->datagram.size();
  }
}

std::string_view Subscriptions::key_of(std::string_view name) const {
  for (int step = 0; step <= kMostSteps && !name.empty(); ++step) {
    if (pools_.contains(name)) return name;
    name = rules_.dotsplit ? next_suffix(name) : std::string_view();
  }
  return {};
}

void Subscriptions::sweep(base::Instant now) {
  if (now - swept_ < rules_.tolerance) return;
  swept_ = now;
  for (auto it = pools_.begin(); it != pools_.end();) {
    it->second.expire(now, rules_.tolerance);
    it = it->second.forgotten(now, rules_.tolerance) ? pools_.erase(it) : std::next(it);
  }
}

bool Subscriptions::any_alive(base::Instant now) {
  for (auto it = pools_.begin(); it != pools_.end();) {
    it->second.expire(now, rules_.tolerance);
    if (it->second.any_alive()) return true;
    it = it->second.forgotten(now, rules_.tolerance) ? pools_.erase(it) : std::next(it);
  }
  return false;
}

bool Subscriptions::any_alive(std::string_view key) const {
  const auto pool = pools_.find(normal(key));
  return pool != pools_.end() && pool->second.any_alive();
}

Finding Subscriptions::find(std::string_view name,
                            std::string_view host,
                            base::Instant now,
                            uint64_t client) {
  auto found = find(name, now, client);
  if (found.verdict == Verdict::found || found.verdict == Verdict::full || name == host)
    return found;
  auto other = find(host, now, client);
  return other.verdict == Verdict::unknown ? std::move(found) : std::move(other);
}

/// The nearest key that has anybody alive; one that has not is passed over.
Finding Subscriptions::find(std::string_view name, base::Instant now, uint64_t client) {
  Finding finding;
  for (int step = 0; step <= kMostSteps && !name.empty(); ++step) {
    if (const auto pool = pools_.find(name); pool != pools_.end()) {
      if (pool->second.running() >= rules_.most_running) return {Verdict::full};
      if (auto lease = pool->second.choose(now, rules_.tolerance, client))
        return {Verdict::found, std::move(lease)};
      if (!pool->second.forgotten(now, rules_.tolerance))
        finding.verdict = Verdict::none;
      else
        pools_.erase(pool);
    }
    name = rules_.dotsplit ? next_suffix(name) : std::string_view();
  }
  return finding;
}

}  // namespace router
