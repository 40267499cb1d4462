#include "router/node_finder.h"

#include <algorithm>

#include "router/node_address.h"

namespace router {

namespace {

std::shared_ptr<Node> make_node(const NodeName& name, Node::Kind kind) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->address = name.address;
  node->protocol = name.protocol;
  return node;
}

Nodes make_nodes(const std::vector<std::string>& names, Node::Kind kind) {
  Nodes nodes;
  for (const std::string& text : names)
    if (const auto name = parse_node_name(text)) nodes.push_back(make_node(*name, kind));
  return nodes;
}

/// A key that is its host, or that and a port: whatever else a client may write has no
/// place in a path.
bool is_host_with_port(std::string_view key, std::string_view host) {
  if (!key.starts_with(host) || key.size() < host.size() + 2 || key[host.size()] != ':' ||
      key.size() > host.size() + 6)
    return false;
  return std::ranges::all_of(key.substr(host.size() + 1),
                             [](char c) { return c >= '0' && c <= '9'; });
}

std::string in_pattern(std::string_view pattern, std::string_view key) {
  std::string out(pattern);
  for (size_t at = 0; (at = out.find("%s", at)) != std::string::npos; at += key.size())
    out.replace(at, 2, key);
  return out;
}

}  // namespace

NodeFinder::NodeFinder(Subscriptions& nodes, const FinderRules& rules)
    : nodes_(nodes),
      rules_(rules),
      fixed_(make_nodes(rules.fixed, Node::Kind::fixed)),
      fallback_(make_nodes(rules.fallback, Node::Kind::fallback)) {}

Finding NodeFinder::find(NodeQuery& query, unsigned tries, base::Instant now) {
  if (tries == 0 && !rules_.force_key.empty())
    query.key = query.host = Subscriptions::normal(rules_.force_key);
  Finding finding;
  if (tries <= rules_.most_retries) finding = find_mapped(query, tries, now);
  if (finding.verdict == Verdict::found || finding.verdict == Verdict::full)
    return finding;
  const bool hopeless =
      tries == 0 && finding.verdict == Verdict::unknown && !rules_.fallback_for_unknown;
  if (!hopeless && query.fallbacks < fallback_.size())
    return {Verdict::found, Lease(fallback_[query.fallbacks++])};
  if (tries > 0) finding.verdict = Verdict::none;
  return finding;
}

Finding NodeFinder::find_mapped(const NodeQuery& query,
                                unsigned tries,
                                base::Instant now) {
  if (!rules_.pattern.empty()) return find_made(query, tries);
  if (subscribed_) return find_subscribed(query, now);
  if (!rules_.base.empty()) return find_made(query, tries);
  return find_fixed(now);
}

Finding NodeFinder::find_subscribed(const NodeQuery& query, base::Instant now) {
  auto finding = nodes_.find(query.key, query.host, now, query.client_hash);
  const bool served =
      finding.verdict == Verdict::found || finding.verdict == Verdict::full;
  if (served || rules_.fallback_key.empty()) return finding;
  auto other = nodes_.find(rules_.fallback_key, now, query.client_hash);
  return other.verdict == Verdict::unknown ? std::move(finding) : std::move(other);
}

/// A host with a port may have a node of its own; without one, the bare name serves.
Finding NodeFinder::find_made(const NodeQuery& query, unsigned tries) const {
  if (query.host.empty()) return {};
  const bool both = is_host_with_port(query.key, query.host);
  if (tries > (both ? 1U : 0U)) return {Verdict::none};
  const std::string_view key = both && tries == 0 ? query.key : query.host;
  const auto name =
      parse_node_name(rules_.pattern.empty() ? rules_.base + std::string(key)
                                             : in_pattern(rules_.pattern, key));
  if (!name) return {};
  return {Verdict::found, Lease(make_node(*name, Node::Kind::mapped))};
}

Finding NodeFinder::find_fixed(base::Instant now) {
  for (size_t i = 0; i < fixed_.size(); ++i) {
    const auto& node = fixed_[turn_++ % fixed_.size()];
    if (node->shunned <= now) return {Verdict::found, Lease(node)};
  }
  return {fixed_.empty() ? Verdict::unknown : Verdict::none};
}

void NodeFinder::failed(Node& node, base::Instant now) const {
  ++node.failures;
  switch (node.kind) {
    case Node::Kind::subscribed:
      node.dead = true;  // it gets nothing until it subscribes again
      break;
    case Node::Kind::fixed:
      node.shunned = now + rules_.grace;
      break;
    case Node::Kind::mapped:
    case Node::Kind::fallback:
      break;
  }
}

bool NodeFinder::anybody(base::Instant now) {
  return rules_.any() || (subscribed_ && nodes_.any_alive(now));
}

}  // namespace router
