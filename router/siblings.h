// Siblings: the other processes that serve the same sockets, and who hear what this one
// heard, as it was said and by whom: each judges by himself.
//
// A datagram reaches one process only. Each has an inbox, a channel that whoever started
// them made; only they hold its ends, so what comes there is believed to have come as
// told. Whoever gets to know a newcomer tells him all he knows, and that it was all.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
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
  bool left = false;  ///< by it, a node left that was there with who tells
};

class Siblings {
 public:
  using Hear = std::function<void(const HeardPacket&)>;
  /// Coroutines run in `tasks`, until close().
  Siblings(uvx::Loop& loop, uvx::TaskGroup& tasks, Hear hear);
  ~Siblings() { close(); }
  Siblings(const Siblings&) = delete;
  Siblings& operator=(const Siblings&) = delete;

  /// Hears the others there (SOCK_SEQPACKET), instead of where it did before. They know
  /// this process as `serial`.
  void listen_at(base::Fd inbox, uint64_t serial);
  /// One more sibling, who hears at the other end of `outbox`.
  void introduce(base::Fd outbox);
  /// To every sibling. Whoever cannot keep up loses it: nodes say everything again.
  void tell_all(const HeardPacket& packet);
  /// To those who were introduced since the last call: what `picture` says, and that it
  /// was all.
  using Say = std::function<void(const HeardPacket&)>;
  void tell_newcomers(const std::function<void(const Say&)>& picture);
  bool any() const { return !outboxes_.empty() || inbox_; }

  /// To those who were introduced since tell_newcomers(): that this process does not know
  /// everything itself yet.
  void say_nothing_known();
  /// These, and nobody else, will tell this process all they know. `perhaps`: so will
  /// these, unless they know nothing yet: two that begin must not wait for each other.
  void expect(const std::vector<uint64_t>& tellers,
              const std::vector<uint64_t>& perhaps = {});
  /// That one will not.
  void forget(uint64_t serial);
  /// Not all of them have told all yet.
  bool awaits_picture() const { return !expected_.empty(); }
  /// When it was expected, or one of them told something last.
  base::Instant told_at() const { return told_at_; }
  void close();

 private:
  void take(std::string_view bytes);
  struct Inbox;
  struct Outbox;
  struct Unsent;
  void push(const std::shared_ptr<Outbox>& outbox, Unsent unsent);
  static uvx::Task<void> read(Siblings* self, std::shared_ptr<Inbox> inbox);
  static uvx::Task<void> write(Siblings* self, std::shared_ptr<Outbox> outbox);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  Hear hear_;
  uint64_t serial_ = 0;
  std::set<uint64_t> expected_;  // who have not told all yet
  base::Instant told_at_;
  std::set<uint64_t> perhaps_;        // of those, who may know nothing
  std::set<uint64_t> knows_nothing_;  // who said so, since there is this inbox
  std::set<uint64_t> told_by_;        // who have, since there is this inbox
  std::shared_ptr<Inbox> inbox_;
  std::vector<std::shared_ptr<Outbox>> outboxes_;
};

}  // namespace router
