#include "router/route_table.h"

#include <utility>

namespace router {

namespace {
constexpr std::string_view kDefault = "*";
constexpr std::string_view kWildcard = "*.";
}  // namespace

void RouteTable::put(Map& map, std::string_view key, VassalId id) {
  const auto [it, is_new] = map.try_emplace(std::string(key), id);
  if (!is_new) count_down(std::exchange(it->second, id));
  ++counts_[id];
}

void RouteTable::drop(Map& map, std::string_view key) {
  const auto it = map.find(key);
  if (it == map.end()) return;
  count_down(it->second);
  map.erase(it);
}

void RouteTable::count_down(VassalId id) {
  const auto it = counts_.find(id);
  if (it != counts_.end() && --it->second == 0) counts_.erase(it);
}

void RouteTable::set(std::string_view domain, VassalId id) {
  if (domain == kDefault)
    default_ = id;
  else if (domain.starts_with(kWildcard))
    put(wildcards_, domain.substr(kWildcard.size()), id);
  else
    put(exact_, domain, id);
}

void RouteTable::erase(std::string_view domain) {
  if (domain == kDefault)
    default_.reset();
  else if (domain.starts_with(kWildcard))
    drop(wildcards_, domain.substr(kWildcard.size()));
  else
    drop(exact_, domain);
}

void RouteTable::erase_vassal(VassalId id) {
  const auto theirs = [id](const auto& route) {
    return route.second == id;
  };
  if (default_ == id) default_.reset();
  if (counts_.erase(id) == 0) return;
  std::erase_if(exact_, theirs);
  std::erase_if(wildcards_, theirs);
}

std::optional<VassalId> RouteTable::find(std::string_view host) const {
  if (const auto it = exact_.find(host); it != exact_.end()) return it->second;
  if (!wildcards_.empty()) {
    for (size_t dot = host.find('.'); dot != std::string_view::npos;
         dot = host.find('.')) {
      host.remove_prefix(dot + 1);
      if (const auto it = wildcards_.find(host); it != wildcards_.end())
        return it->second;
    }
  }
  return default_;
}

std::string RouteTable::domain_of(std::string_view host) const {
  if (exact_.contains(host)) return std::string(host);
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.')) {
    host.remove_prefix(dot + 1);
    if (wildcards_.contains(host)) return std::string(kWildcard) + std::string(host);
  }
  return default_ ? std::string(kDefault) : std::string();
}

}  // namespace router
