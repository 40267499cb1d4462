#include "router/departures.h"

#include "router/subscriptions.h"

namespace router {

namespace {

/// Of one holder: as many as one tenant's nodes.
constexpr size_t kMostOfHolder = 2000;

std::string node_of(const wire::Subscription& packet) {
  return Subscriptions::normal(packet.key) + '\n' + std::string(packet.address);
}

}  // namespace

void Departures::note(const wire::Subscription& packet,
                      const HeardPacket& heard,
                      const std::string& holder,
                      uint64_t until) {
  forget(packet);
  Departure departure{
      std::string(heard.datagram), heard.sender, heard.at, holder, until, ++number_};
  const auto noted = last_.emplace(node_of(packet), std::move(departure)).first;
  size_t has = 0;
  count(holder, [&](Nodes& nodes) {
    nodes.emplace(number_, noted->first);
    has = nodes.size();
  });
  if (has > kMostOfHolder) erase(last_.find(holders_[holder].begin()->second));
  if (last_.size() > most_) forget_one();
}

void Departures::forget(const wire::Subscription& packet) {
  if (const auto found = last_.find(node_of(packet)); found != last_.end()) erase(found);
}

void Departures::tell(const Siblings::Say& say, uint64_t now) {
  for (auto it = last_.begin(); it != last_.end();)
    it = it->second.until < now ? erase(it) : std::next(it);
  for (const auto& [node, it] : last_)
    say({.datagram = it.datagram, .sender = it.sender, .at = it.at, .left = true});
}

template <class Change>
void Departures::count(const std::string& holder, Change change) {
  Nodes& nodes = holders_[holder];
  sizes_.erase({nodes.size(), holder});
  change(nodes);
  if (nodes.empty())
    holders_.erase(holder);
  else
    sizes_.emplace(nodes.size(), holder);
}

Departures::Last::iterator Departures::erase(Last::iterator departure) {
  const Departure& gone = departure->second;
  count(gone.holder, [&](Nodes& nodes) { nodes.erase(gone.number); });
  return last_.erase(departure);
}

void Departures::forget_one() {
  const std::string& most = sizes_.rbegin()->second;
  erase(last_.find(holders_[most].begin()->second));
}

}  // namespace router
