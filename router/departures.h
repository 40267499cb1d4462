// Departures: the packets by which nodes left, for as long as an older packet of the same
// node could be good again: to a process that begins now, and has not heard them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/wire/subscription.h"
#include "router/siblings.h"

namespace router {

class Departures {
 public:
  /// `window`: how long they are kept.
  explicit Departures(base::Duration window) : window_(window) {}

  /// What was heard, and believed: the node left, or is there (again).
  void note(const wire::Subscription& packet, const HeardPacket& heard);
  /// Says those that matter still.
  void tell(const Siblings::Say& say, base::Instant now);
  size_t size() const { return last_.size(); }

 private:
  void forget_old(base::Instant now);

  struct Departure {
    std::string datagram;
    Sender sender;
    base::Instant at;
  };
  base::Duration window_;
  std::unordered_map<std::string, Departure> last_;  // by key and address
};

}  // namespace router
