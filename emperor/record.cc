#include "emperor/record.h"

namespace emperor {

const Configuration* serving_configuration(const Vassal& vassal) {
  if (const auto current = vassal.life.current())
    if (const auto found = vassal.generations.find(*current);
        found != vassal.generations.end())
      return found->second->configuration.get();
  return vassal.configuration.get();
}

Vassal& Roster::add(const std::string& name) {
  return add(name, newest_id_ + 1);
}

Vassal& Roster::add(const std::string& name, uint64_t id) {
  auto& vassal = vassals_[name];
  vassal = std::make_unique<Vassal>();
  vassal->name = name;
  vassal->id = id;
  newest_id_ = std::max(newest_id_, id);
  by_id_[vassal->id] = vassal.get();
  return *vassal;
}

Vassal* Roster::find(const std::string& name) {
  const auto found = vassals_.find(name);
  return found == vassals_.end() ? nullptr : found->second.get();
}

Vassal* Roster::find_id(uint64_t id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Roster::erase(const std::string& name) {
  const auto found = vassals_.find(name);
  if (found == vassals_.end()) return;
  by_id_.erase(found->second->id);
  vassals_.erase(found);
}

}  // namespace emperor
