#include "emperor/backoff.h"

#include <algorithm>

namespace emperor {

base::Duration Backoff::failed(base::Duration served, double random) {
  if (served >= policy_.healthy) failures_ = 0;
  ++failures_;
  if (failures_ == 1 && served > base::Duration::zero()) return base::Duration::zero();
  const unsigned doublings = std::min(failures_ - 1, 20U);
  const auto plain = std::min(policy_.first * (int64_t{1} << doublings), policy_.cap);
  const auto spread = std::chrono::duration<double>(plain) * (0.75 + random / 2);
  return std::min(std::chrono::duration_cast<base::Duration>(spread), policy_.cap);
}

}  // namespace emperor
