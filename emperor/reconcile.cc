#include "emperor/reconcile.h"

#include <unordered_set>

namespace emperor {

std::optional<Change> reconcile_one(const std::string& path,
                                    const std::optional<Listed>& listed,
                                    const KnownFiles& known) {
  const auto found = known.find(path);
  if (!listed) {
    if (found == known.end()) return std::nullopt;
    return Change{Change::Kind::removed, path};
  }
  if (found != known.end() && found->second.identity == listed->identity)
    return std::nullopt;
  return Change{Change::Kind::read, path};
}

std::vector<Change> reconcile(const std::vector<Listed>& listing,
                              size_t source,
                              const KnownFiles& known) {
  std::vector<Change> changes;
  std::unordered_set<std::string_view> present;
  for (const auto& file : listing)
    present.insert(file.path);
  for (const auto& [path, file] : known)
    if (file.source == source && !present.contains(path))
      changes.push_back({Change::Kind::removed, path});
  for (const auto& file : listing)
    if (auto change = reconcile_one(file.path, file, known))
      changes.push_back(*std::move(change));
  return changes;
}

}  // namespace emperor
