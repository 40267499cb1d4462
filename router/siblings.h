// Siblings: the other processes that serve the same sockets, and who hear what this one
// heard, as it was said and by whom: each judges by himself.
//
// A datagram reaches one process only. Each has an inbox, a channel that whoever started
// them made; only they hold its ends, so what comes there is believed to have come as
// told. Whoever gets to know a newcomer tells him all he knows.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "router/sender.h"

namespace router {

/// A subscription packet, as it came.
struct HeardPacket {
  std::string_view datagram;
  Sender sender;
  base::Instant at = base::Clock::now();  ///< it came
};

class Siblings {
 public:
  using Hear = std::function<void(const HeardPacket&)>;
  /// Coroutines run in `tasks`, until close().
  Siblings(uvx::Loop& loop, uvx::TaskGroup& tasks, Hear hear);
  ~Siblings() { close(); }
  Siblings(const Siblings&) = delete;
  Siblings& operator=(const Siblings&) = delete;

  /// Hears the others there (SOCK_SEQPACKET), instead of where it did before.
  void listen_at(base::Fd inbox);
  /// One more sibling, who hears at the other end of `outbox`.
  void introduce(base::Fd outbox);
  /// To every sibling, or to the newest only. Whoever cannot keep up loses it: nodes say
  /// everything again.
  void tell_all(const HeardPacket& packet);
  void tell_newest(const HeardPacket& packet);
  /// To the newest: that was all.
  void tell_newest_the_end();
  bool any() const { return !outboxes_.empty() || inbox_; }
  /// Somebody who may know more than this process was introduced to it, and nobody has
  /// told it all yet.
  bool awaits_picture() const { return !outboxes_.empty() && inbox_ && !told_; }
  void close();

 private:
  void take(std::string_view bytes);
  struct Inbox;
  struct Outbox;
  void push(const std::shared_ptr<Outbox>& outbox, const std::string& bytes);
  static uvx::Task<void> read(Siblings* self, std::shared_ptr<Inbox> inbox);
  static uvx::Task<void> write(Siblings* self, std::shared_ptr<Outbox> outbox);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  Hear hear_;
  bool told_ = false;  // all that a sibling knew when it got to know this process
  std::shared_ptr<Inbox> inbox_;
  std::vector<std::shared_ptr<Outbox>> outboxes_;
};

}  // namespace router
