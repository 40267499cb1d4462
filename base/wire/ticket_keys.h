// What session tickets are sealed with: the same for all routers of an operator, so that
// a client may come back to another one, and others every 12 hours, so that what was
// recorded is not opened with a key of months ago.
#pragma once

#include <array>

#include "base/clock.h"

namespace wire {

using TicketKeys = std::array<unsigned char, 80>;

/// Made by one process, which tells the others.
class RenewedTicketKeys {
 public:
  /// Makes them, the first ones or new ones, if it is time. True: they are new.
  bool renew();
  const TicketKeys& keys() const { return keys_; }
  base::Instant due() const { return due_; }

 private:
  TicketKeys keys_{};
  base::Instant due_;
};

}  // namespace wire
