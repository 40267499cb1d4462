// Vassal: what a router process knows of one vassal, and the way of a request to it.
//
// offer() puts the connection on the vassal's belt (the handoff channel) at once if there
// is room, else parks it. sweep() moves parked requests on, and answers 503 to what
// passed its deadline, parked or on the belt. State, channel and figures come from the
// emperor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "router/belt.h"
#include "router/handoff_channel.h"
#include "router/node_pool.h"
#include "router/parking.h"
#include "router/refusal.h"
#include "router/route_table.h"
#include "router/share.h"

namespace router {

/// What a vassal cannot do by itself; the router does it.
class VassalEvents {
 public:
  virtual ~VassalEvents() = default;
  /// Answers a request that will not be served.
  virtual void dismiss(VassalId id, Parcel parcel, const Refusal& refusal) = 0;
  /// A request that was parked is on the belt now.
  virtual void moved_on(VassalId id, const Parcel& parcel) = 0;
  /// The channel is of no use: a fresh one is needed.
  virtual void spoiled(VassalId id) = 0;
  /// Somebody waits, and there is no channel yet. Said again while that is so.
  virtual void wanted(VassalId id) = 0;
};

enum class VassalState { ready, starting, asleep, backoff, stopped };

struct VassalLimits {
  size_t queue_max = 2048;         ///< parked at most
  base::Duration queue_timeout{};  ///< untaken for longer: 503
  uint64_t limit_post = 0;         ///< bytes of body; 0 = no limit
  size_t concurrency_max = 0;      ///< relayed requests at once; 0 = no limit
  uint64_t bandwidth_max = 0;      ///< bytes a second of relayed answers; 0 = no limit
  friend bool operator==(const VassalLimits&, const VassalLimits&) = default;
};

struct VassalFigures {
  uint64_t requests = 0;  ///< put on the belt
  uint64_t expired = 0;   ///< not taken in time
  uint64_t refused = 0;   ///< no room to wait, or stopped
};

class Vassal {
 public:
  /// `belt_most`: Belt(most).
  Vassal(VassalId id, size_t belt_most, ParkingBudget& budget, VassalEvents& events)
      : id_(id), belt_(belt_most), line_(budget), events_(events) {}

  VassalId id() const { return id_; }
  const VassalLimits& limits() const { return limits_; }
  const VassalFigures& figures() const { return figures_; }
  size_t queued() const { return line_.size(); }

  void set_limits(const VassalLimits& limits);
  /// What relayed requests share; null while nothing is limited.
  const std::shared_ptr<Share>& share() const { return share_; }
  /// `retry_after` in seconds for the 503s given meanwhile; 0 = the usual.
  void set_state(VassalState state, unsigned retry_after);
  /// A new channel; what lies untaken on the old one moves over.
  void set_channel(HandoffChannel channel);

  /// A command: it is connected to, and gets no handoff. Null: it is not one.
  void set_backend(std::shared_ptr<Node> backend) { backend_ = std::move(backend); }
  const std::shared_ptr<Node>& backend() const { return backend_; }
  /// Why a request that gives up at `deadline` need not wait for it, if so; it is counted
  /// as refused then.
  std::optional<Refusal> turns_away(base::Deadline deadline);

  /// Takes the request over, or says why not and leaves `connection` with the caller.
  std::optional<Refusal> offer(const wire::HandoffHeader& header,
                               std::string_view payload,
                               base::Fd& connection);
  /// Moves on and expires what waits.
  void sweep(base::Instant now);
  /// When sweep() is needed next; never if nothing may be waiting.
  base::Deadline next_sweep(base::Instant now) const;
  /// Gives up what is parked; what lies on the belt is another router's business too.
  void dismiss_parked(const Refusal& refusal);
  /// Gives up everything that waits (the vassal is removed).
  void dismiss_all(const Refusal& refusal);

 private:
  bool has_room_on_belt();
  /// Sends, or says why not; a spoiled channel is reported once.
  HandoffChannel::Sent put_on_belt(const wire::HandoffHeader& header,
                                   std::string_view payload,
                                   int connection);
  void move_on();
  void expire_line(base::Instant now);
  void expire_belt(base::Instant now);
  void take_all_back();
  void expire(Parcel parcel);
  Refusal with_retry(Refusal refusal) const;

  VassalId id_;
  HandoffChannel channel_;
  std::shared_ptr<Node> backend_;
  Belt belt_;
  ParkingLine line_;
  VassalEvents& events_;
  VassalLimits limits_;
  std::shared_ptr<Share> share_;
  VassalFigures figures_;
  VassalState state_ = VassalState::ready;
  unsigned retry_after_ = 0;
  base::Instant back_at_;  ///< in state backoff: when it is tried again, at the latest
  bool spoiled_ = false;
  bool asked_ = false;   ///< for the channel that there is none of yet
  bool moving_ = false;  ///< the last try to move on got something onto the belt
};

}  // namespace router
