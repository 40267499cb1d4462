#include "router/route_table.h"

namespace router {

namespace {
constexpr std::string_view kDefault = "*";
constexpr std::string_view kWildcard = "*.";
}  // namespace

void RouteTable::put(Map& map, std::string_view key, VassalId id) {
  map.insert_or_assign(std::string(key), id);
}

void RouteTable::drop(Map& map, std::string_view key) {
  if (const auto it = map.find(key); it != map.end()) map.erase(it);
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
  std::erase_if(exact_, theirs);
  std::erase_if(wildcards_, theirs);
  if (default_ == id) default_.reset();
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

}  // namespace router
