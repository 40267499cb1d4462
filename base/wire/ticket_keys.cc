#include "base/wire/ticket_keys.h"

#include <sys/random.h>

namespace wire {

namespace {

constexpr base::Duration kLast = std::chrono::hours(12);

}  // namespace

bool RenewedTicketKeys::renew() {
  const auto now = base::Clock::now();
  if (now < due_) return false;
  due_ = now + kLast;
  TicketKeys fresh{};
  if (::getrandom(fresh.data(), fresh.size(), 0) != static_cast<ssize_t>(fresh.size()))
    return false;
  keys_ = fresh;
  return true;
}

}  // namespace wire
