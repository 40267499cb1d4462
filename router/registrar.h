// Registrar: judges every subscription packet, keeps the table of nodes, and passes on
// what it believed: to sibling processes, and to routers upstream.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/uv/task_group.h"
#include "router/departures.h"
#include "router/resubscriber.h"
#include "router/siblings.h"
#include "router/subscription_policy.h"
#include "router/subscriptions.h"

namespace router {

class Registrar {
 public:
  /// All references must outlive it.
  Registrar(uvx::Loop& loop,
            base::Log& log,
            uvx::TaskGroup& tasks,
            Subscriptions& nodes,
            SubscriptionPolicy& policy,
            const ResubscribeRules& upstream);

  /// A datagram that came on a socket of this process.
  void hear(std::string_view datagram, const Sender& sender);
  /// What a sibling hears at the other end of `outbox`: everything, from now on, and what
  /// is known already once be_informed() was called.
  void introduce(base::Fd outbox);
  /// Whoever was to tell this process what he knows has done so.
  void be_informed();
  /// Whether signatures are looked at.
  bool verifies() const { return policy_.verifies(); }
  Siblings& siblings() { return siblings_; }
  Resubscriber& upstream() { return upstream_; }

 private:
  enum class From { sender, sibling };
  void judge(const HeardPacket& heard, From from);
  /// Why the packet changes nothing; empty if it is to be believed.
  std::string refuse(const wire::Subscription& packet, const HeardPacket& heard);
  void apply(const wire::Subscription& packet, const HeardPacket& heard, From from);
  void acknowledge(const wire::Subscription& packet, const Sender& sender) const;
  bool may_tell();
  void tell_newcomers();
  void note_departure(const wire::Subscription& packet, const HeardPacket& heard);

  base::Log& log_;
  Subscriptions& nodes_;
  SubscriptionPolicy& policy_;
  Siblings siblings_;
  Resubscriber upstream_;
  Departures departures_;
  base::Instant told_since_;
  unsigned told_ = 0;
  bool informed_ = false;
};

}  // namespace router
