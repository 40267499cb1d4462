// SubscriptionServer: hears subscription packets on one datagram socket (UDP or unix),
// lets the policy judge them, and keeps the table of nodes.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/poll.h"
#include "router/subscription_policy.h"
#include "router/subscriptions.h"

namespace router {

class SubscriptionServer {
 public:
  /// `socket`: from bind(). All references must outlive the server.
  SubscriptionServer(uvx::Loop& loop,
                     base::Log& log,
                     base::Fd socket,
                     Subscriptions& nodes,
                     SubscriptionPolicy& policy);
  /// "ip:port" or a unix path, bound, with the senders' credentials asked for.
  static base::Result<base::Fd> bind(const std::string& address);

  /// Hears until close().
  uvx::Task<void> run();
  void close() { poll_.close(); }

 private:
  void hear(std::string_view datagram, const Sender& sender);
  void acknowledge(const wire::Subscription& packet) const;
  bool may_tell();

  base::Log& log_;
  base::Fd socket_;
  uvx::Poll poll_;
  Subscriptions& nodes_;
  SubscriptionPolicy& policy_;
  base::Instant told_since_;
  unsigned told_ = 0;
};

}  // namespace router
