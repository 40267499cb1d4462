// Resubscriber: tells routers upstream that the keys which nodes subscribe here are
// served at this router's own address (fastrouter-resubscribe).
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

  /// A socket that this router accepts requests of the uwsgi protocol on: the first one
  /// names our address.
  void serves_at(int socket);
  /// Sends what the packet says of its key, as ours. What cannot be sent is lost: the
  /// node says it again.
  void tell(const wire::Subscription& packet);
  bool wanted() const { return !rules_.upstream.empty(); }

 private:
  void send(const std::string& datagram, const std::string& upstream);

  base::Log& log_;
  ResubscribeRules rules_;
  bool told_ = false;  // that something could not be sent
};

}  // namespace router
