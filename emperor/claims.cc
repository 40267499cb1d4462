#include "emperor/claims.h"

#include <algorithm>

namespace emperor {

std::vector<HostChange> Claims::set(const std::string& vassal,
                                    const std::string& file,
                                    const std::vector<std::string>& hosts) {
  std::vector<HostChange> changes;
  auto& mine = of_vassal_[vassal];
  for (const auto& host : mine)
    if (std::ranges::find(hosts, host) == hosts.end()) withdraw(vassal, host, &changes);
  for (const auto& host : hosts) {
    auto& line = hosts_[host];
    const auto place = std::ranges::find(line, vassal, &Claimant::vassal);
    if (place != line.end()) {
      place->file = file;
      continue;
    }
    line.push_back({vassal, file, now_});
    if (line.size() == 1) changes.push_back({host, vassal});
  }
  if (hosts.empty())
    of_vassal_.erase(vassal);
  else
    mine = hosts;
  return changes;
}

void Claims::withdraw(const std::string& vassal,
                      const std::string& host,
                      std::vector<HostChange>* changes) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  auto& line = found->second;
  const bool held = !line.empty() && line.front().vassal == vassal;
  std::erase_if(line, [&](const Claimant& c) { return c.vassal == vassal; });
  if (held) changes->push_back({host, line.empty() ? "" : line.front().vassal});
  if (line.empty()) hosts_.erase(found);
}

std::vector<Refusal> Claims::refused(const std::string& vassal) const {
  std::vector<Refusal> refusals;
  const auto mine = of_vassal_.find(vassal);
  if (mine == of_vassal_.end()) return refusals;
  for (const auto& host : mine->second) {
    const auto& first = hosts_.find(host)->second.front();
    if (first.vassal != vassal) refusals.push_back({host, first.vassal, first.file});
  }
  return refusals;
}

std::string_view Claims::holder(std::string_view host) const {
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? std::string_view() : found->second.front().vassal;
}

std::vector<HostChange> Claims::held() const {
  std::vector<HostChange> held;
  held.reserve(hosts_.size());
  for (const auto& [host, line] : hosts_)
    held.push_back({host, line.front().vassal});
  return held;
}

void Claims::restore(const std::string& host, Claimant claimant) {
  of_vassal_[claimant.vassal].push_back(host);
  hosts_[host].push_back(std::move(claimant));
}

}  // namespace emperor
