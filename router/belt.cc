#include "router/belt.h"

#include <cassert>

namespace router {

namespace {
// What the kernel charges for a message beyond its bytes: at least struct sk_buff and the
// shared info behind the data. Counting too little here only makes the belt look fuller
// than it is.
constexpr size_t kOverhead = 512;
}  // namespace

void Belt::push(size_t size, base::Deadline deadline) {
  assert(!full());
  ring_[next_] = {size, deadline};
  next_ = (next_ + 1) % kMost;
  ++count_;
}

void Belt::settle(size_t unread) {
  size_t charged = 0;
  size_t left = 0;
  while (left < count_ && charged < unread)
    charged += at(left++).size + kOverhead;
  count_ = left;
}

base::Deadline Belt::oldest() const {
  return count_ == 0 ? base::Deadline::never() : at(count_ - 1).deadline;
}

}  // namespace router
