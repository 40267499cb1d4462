// Resubscriber: tells routers upstream that the keys which nodes subscribe here are
// served at this router's own address (fastrouter-resubscribe).
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/wire/subscription.h"

namespace router {

struct ResubscribeRules {
  std::vector<std::string> upstream;  ///< datagram addresses
  std::string bind;                   ///< where the packets come from; empty: anywhere
  std::string address;                ///< ours, if it was said
};

class Resubscriber {
 public:
  Resubscriber(base::Log& log, const ResubscribeRules& rules)
      : log_(log), rules_(rules) {}

  /// Whether it is the address that we tell of: what we said ourselves, come round.
  bool is_ours(std::string_view address) const {
    return wanted() && !rules_.address.empty() && address == rules_.address;
  }
  /// A socket that this router accepts requests of the uwsgi protocol on: the first one
  /// names our address.
  void serves_at(int socket);
  /// Sends what the packet says of its key, as ours. What cannot be sent is lost: the
  /// node says it again.
  void tell(const wire::Subscription& packet);
  bool wanted() const { return !rules_.upstream.empty(); }

 private:
  /// Whether the key may be told of now: once a second, else two routers that tell each
  /// other would not stop.
  bool is_time_for(const wire::Subscription& packet);
  /// Whether they could reach us by what we tell them.
  bool means_us(const std::string& upstream) const;
  void send(const std::string& datagram, const std::string& upstream);

  base::Log& log_;
  ResubscribeRules rules_;
  base::Instant told_since_;
  std::unordered_set<std::string> told_keys_;  // since then
  bool told_ = false;                          // that something could not be sent
};

}  // namespace router
