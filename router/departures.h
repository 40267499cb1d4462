// Departures: the packets by which nodes left, for as long as an older packet of the same
// node could be good again: to a process that begins now, and has not heard them. Pure.
//
// There are so many at most. Beyond, the oldest of who has most of them is forgotten:
// whoever makes nodes come and go loses his own.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/wire/subscription.h"
#include "router/siblings.h"

namespace router {

class Departures {
 public:
  explicit Departures(size_t most = 10'000) : most_(most) {}

  /// A node left. `holder`: whose it was. `until`: seconds since 1970 that it matters.
  void note(const wire::Subscription& packet,
            const HeardPacket& heard,
            const std::string& holder,
            uint64_t until);
  /// The node is there (again).
  void forget(const wire::Subscription& packet);
  /// Says those that matter at `now` (seconds since 1970) still.
  void tell(const Siblings::Say& say, uint64_t now);
  size_t size() const { return last_.size(); }

 private:
  struct Departure {
    std::string datagram;
    Sender sender;
    base::Instant at;
    std::string holder;
    uint64_t until = 0;
    uint64_t number = 0;
  };
  using Last = std::unordered_map<std::string, Departure>;  // by key and address
  using Nodes = std::map<uint64_t, std::string>;            // by number: oldest first
  Last::iterator erase(Last::iterator departure);
  void forget_one();
  /// `change` of who has how many.
  template <class Change>
  void count(const std::string& holder, Change change);

  size_t most_;
  uint64_t number_ = 0;
  Last last_;
  std::unordered_map<std::string, Nodes> holders_;
  std::set<std::pair<size_t, std::string>> sizes_;  // of holders_
};

}  // namespace router
