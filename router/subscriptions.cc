#include "router/subscriptions.h"

#include <algorithm>

namespace router {

namespace {

constexpr int kMostSteps = 5;

}  // namespace

std::string Subscriptions::normal(std::string_view key) {
  std::string out(key);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

Subscriptions::Outcome Subscriptions::apply(const wire::Subscription& packet,
                                            base::Instant now) {
  const std::string key = normal(packet.key);
  if (!packet.leave) return join(key, packet, now);
  const auto pool = pools_.find(key);
  const bool left = pool != pools_.end() && pool->second.unsubscribe(packet.address);
  return left ? Outcome::left : Outcome::unknown;
}

Subscriptions::Outcome Subscriptions::join(const std::string& key,
                                           const wire::Subscription& packet,
                                           base::Instant now) {
  auto pool = pools_.find(key);
  if (pool == pools_.end()) {
    sweep(now);
    if (pools_.size() >= rules_.most_keys) return Outcome::refused;
    const auto asked = parse_algorithm(packet.algo);
    pool = pools_.emplace(key, NodePool(asked.value_or(rules_.algorithm))).first;
  }
  const bool known = pool->second.find(packet.address) != nullptr;
  if (!known) pool->second.expire(now, rules_.tolerance);
  if (!known && pool->second.nodes().size() >= rules_.most_nodes) return Outcome::refused;
  return pool->second.subscribe(packet, now) ? Outcome::added : Outcome::refreshed;
}

std::vector<std::string_view> Subscriptions::keys_for(std::string_view host) const {
  std::vector<std::string_view> keys{host};
  for (int step = 0; rules_.dotsplit && step < kMostSteps; ++step) {
    const size_t dot = host.find('.', step == 0 ? 0 : 1);
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot);
    if (host != keys.back()) keys.push_back(host);
  }
  return keys;
}

void Subscriptions::sweep(base::Instant now) {
  if (now - swept_ < rules_.tolerance) return;
  swept_ = now;
  for (auto it = pools_.begin(); it != pools_.end();) {
    it->second.expire(now, rules_.tolerance);
    it = it->second.empty() ? pools_.erase(it) : std::next(it);
  }
}

bool Subscriptions::is_full(std::string_view host) const {
  for (const std::string_view key : keys_for(host))
    if (const auto pool = pools_.find(key); pool != pools_.end())
      return pool->second.running() >= rules_.most_running;
  return false;
}

bool Subscriptions::knows(std::string_view host) const {
  return std::ranges::any_of(keys_for(host),
                             [&](auto key) { return pools_.contains(key); });
}

std::optional<Lease> Subscriptions::choose(std::string_view host,
                                           base::Instant now,
                                           uint64_t client) {
  for (const std::string_view key : keys_for(host))
    if (auto lease = choose_exact(key, now, client)) return lease;
  return std::nullopt;
}

std::optional<Lease> Subscriptions::choose_exact(std::string_view key,
                                                 base::Instant now,
                                                 uint64_t client) {
  const auto pool = pools_.find(key);
  if (pool == pools_.end()) return std::nullopt;
  auto lease = pool->second.choose(now, rules_.tolerance, client);
  if (!lease && pool->second.empty()) pools_.erase(pool);
  return lease;
}

}  // namespace router
