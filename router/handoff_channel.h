// HandoffChannel: both ends of a vassal's handoff socket, and the system calls on them.
//
// The sending end is this router's way to the workers; the receiving end, which the
// workers read too, is for taking back. Whoever receives a message owns it. Never blocks.
#pragma once

#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/wire/handoff.h"
#include "router/parking.h"

namespace router {

class HandoffChannel {
 public:
  enum class Sent {
    yes,
    full,       ///< try again later (EAGAIN, or too many descriptors in flight)
    too_large,  ///< no channel takes this message
    spoiled,    ///< the channel is of no use any more (shut down, filtered)
  };

  HandoffChannel() = default;
  HandoffChannel(base::Fd sending, base::Fd receiving)
      : sending_(std::move(sending)), receiving_(std::move(receiving)) {}

  explicit operator bool() const { return static_cast<bool>(sending_); }
  /// Whether both are the same sockets, under whatever descriptor numbers.
  bool same_as(const HandoffChannel& other) const;

  /// Sends a copy of `connection`; the caller still owns and closes its own.
  Sent send(const wire::HandoffHeader& header,
            std::string_view payload,
            int connection) const;
  /// Kernel memory held by untaken messages, whoever sent them.
  size_t unread() const;
  /// The deadline of the message that would be taken next.
  std::optional<base::Deadline> next_deadline() const;
  /// Takes the next message back; nothing if there is none (left).
  std::optional<Parcel> take_back() const;

 private:
  base::Fd sending_;
  base::Fd receiving_;
};

}  // namespace router
