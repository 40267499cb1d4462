// Belt: what this router knows of the messages it put on a vassal's handoff channel and
// that may still lie there untaken. Pure.
//
// A socket tells how much memory its unread messages hold (SIOCOUTQ), not how many they
// are; messages leave in order, so the newest ones are those left. With the sizes
// remembered the number follows, rounded up: the belt never holds more than kMost of
// ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace router {

class Belt {
 public:
  /// The most untaken messages; the rest waits where it can be counted and expired.
  static constexpr size_t kMost = 64;

  /// `most` of at most kMost: fewer where descriptors in flight are scarce.
  explicit Belt(size_t most = kMost) : most_(most) {}

  size_t count() const { return count_; }
  bool full() const { return count_ >= most_; }

  /// One more message of `size` bytes was sent. Not when full.
  void push(size_t size, base::Deadline deadline);
  /// The channel holds `unread` bytes of kernel memory: forget what must have been taken.
  void settle(size_t unread);
  /// When the oldest message that may lie there expires; never if there is none.
  base::Deadline oldest() const;
  void clear() { count_ = 0; }

 private:
  struct Entry {
    size_t size;
    base::Deadline deadline;
  };
  const Entry& at(size_t age) const { return ring_[(next_ + kMost - 1 - age) % kMost]; }

  size_t most_;
  std::array<Entry, kMost> ring_;
  size_t next_ = 0;   // where the next entry goes
  size_t count_ = 0;  // entries before it that may be untaken
};

}  // namespace router
