#include "router/departures.h"

#include "router/subscriptions.h"

namespace router {

namespace {

/// Each has a datagram: beyond, whoever begins does not hear of the next ones.
constexpr size_t kMost = 10'000;

}  // namespace

void Departures::note(const wire::Subscription& packet, const HeardPacket& heard) {
  const std::string node =
      Subscriptions::normal(packet.key) + '\n' + std::string(packet.address);
  if (!packet.leave) {
    last_.erase(node);
    return;
  }
  if (last_.size() >= kMost) forget_old(heard.at);
  if (last_.size() < kMost)
    last_[node] = {std::string(heard.datagram), heard.sender, heard.at};
}

void Departures::tell(const Siblings::Say& say, base::Instant now) {
  forget_old(now);
  for (const auto& [node, left] : last_)
    say({.datagram = left.datagram, .sender = left.sender, .at = left.at});
}

void Departures::forget_old(base::Instant now) {
  std::erase_if(last_,
                [&](const auto& entry) { return now - entry.second.at > window_; });
}

}  // namespace router
