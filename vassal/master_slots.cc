#include "vassal/master_slots.h"

#include <algorithm>
#include <climits>

namespace vassal {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::Duration respawn_delay(base::Duration lived, uint32_t& quick_deaths) {
  if (lived >= seconds(2)) {
    quick_deaths = 0;
    return base::Duration::zero();
  }
  if (++quick_deaths == 1) return base::Duration::zero();
  const uint32_t doublings = std::min(quick_deaths - 2, 6u);
  return std::min<base::Duration>(milliseconds(100) * (1u << doublings), seconds(5));
}

std::optional<base::Instant> oldest_request(const WorkerPage& page, uint32_t threads) {
  uint64_t oldest = 0;
  for (uint32_t i = 0; i < std::min(threads, WorkerPage::kMaxThreads); ++i) {
    const uint64_t began = page.pulses[i].load(std::memory_order_seq_cst);
    if (began != 0 && (oldest == 0 || began < oldest)) oldest = began;
  }
  if (oldest == 0) return std::nullopt;
  return base::from_wire(oldest);
}

std::optional<base::Instant> next_event(std::span<const Slot> slots) {
  std::optional<base::Instant> next;
  for (const Slot& slot : slots)
    for (const auto& at : {slot.respawn_at, slot.kill_at})
      if (at && (!next || *at < *next)) next = at;
  return next;
}

int wait_ms(std::optional<base::Instant> at, base::Instant now) {
  if (!at) return -1;
  if (*at <= now) return 0;
  const auto left = std::chrono::ceil<milliseconds>(*at - now).count();
  return static_cast<int>(std::min<decltype(left)>(left, INT_MAX));
}

}  // namespace vassal
