// Life: one vassal's walk through the table of vassal_state.h, with its generations by
// number.
//
// Pure. Events come in, orders come out; the emperor carries them out (launcher, router,
// groups) and reports what became of them as further events. Stale reports (of a
// generation that is neither current nor next) change nothing.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "emperor/backoff.h"
#include "emperor/vassal_state.h"

namespace emperor {

/// What the emperor has to do now.
struct Order {
  enum class Kind {
    start,   ///< start this generation, beside whatever runs
    drain,   ///< let this generation finish its requests and go
    kill,    ///< end everything of this generation
    wait,    ///< call on_due() after `wait`
    forget,  ///< nothing runs and the file is gone: give everything back
  };
  Kind kind;
  uint64_t generation = 0;
  base::Duration wait{};
  bool urgent = false;  ///< start: somebody waits for it
  friend bool operator==(const Order&, const Order&) = default;
};

/// Whether a vassal may wait asleep until somebody asks for it.
enum class Lazy { no, yes };

/// How a generation went that nobody had told to go.
enum class End {
  crashed,
  on_purpose,  ///< it had been ready, and exited with 0
};

/// A life in a few values: what an emperor hands to the next one.
struct LifeSummary {
  State state = State::rejected;
  uint64_t newest = 0;
  std::optional<uint64_t> current;
  std::optional<uint64_t> next;
  std::set<uint64_t> leaving;
  uint64_t restarts = 0;
  bool removed = false;
  bool stopped = false;
  unsigned failures = 0;  ///< in a row
  bool rests = false;     ///< after its wait it starts for a request only
  base::Instant due_at;   ///< in state backoff; this boot's steady clock
  friend bool operator==(const LifeSummary&, const LifeSummary&) = default;
};

class Life {
 public:
  explicit Life(BackoffPolicy policy = {}) : backoff_(policy) {}

  /// Events about the vassal as a whole.
  std::vector<Order> on(Event event, base::Instant now, double random = 0.5);
  /// The wait that was ordered last may be over. `lazy`: its file lets it sleep.
  std::vector<Order> on_due(Lazy lazy, base::Instant now);
  /// Generation `g` says it is ready.
  std::vector<Order> on_ready(uint64_t g, base::Instant now);
  /// Generation `g` could not start (spawn failed, said so, took too long) but may not be
  /// gone yet.
  std::vector<Order> on_failed(uint64_t g, base::Instant now, double random);
  /// Everything of generation `g` is gone; `end`: how its first process went.
  std::vector<Order> on_gone(uint64_t g, End end, base::Instant now, double random);

  State state() const { return state_; }
  /// The one that serves, or the one being started if none does.
  uint64_t generation() const { return current_ ? *current_ : next_.value_or(newest_); }
  std::optional<uint64_t> current() const { return current_; }
  std::optional<uint64_t> next() const { return next_; }
  /// Generations that were told to go and have not gone yet.
  const std::set<uint64_t>& leaving() const { return leaving_; }
  /// Unplanned deaths and failures since the vassal is known.
  uint64_t restarts() const { return restarts_; }
  /// Of those, how many in a row, with no healthy time between.
  unsigned failures() const { return backoff_.failures(); }
  /// When the next start comes, in state backoff.
  base::Instant due_at() const { return due_at_; }
  /// It backs off, and what failed never served anybody: who waits, waits in vain.
  bool did_not_start() const {
    return state_ == State::backoff && served_ == base::Duration::zero();
  }
  bool removed() const { return removed_; }
  bool stopped_by_operator() const { return stopped_; }

  LifeSummary summary() const;
  /// Goes on with a life that another emperor led: its wait ends when it would have, its
  /// healthy time begins anew.
  void resume(const LifeSummary& summary, base::Instant now);

 private:
  bool is_heard(Event event) const;
  void take(Event event, base::Instant now, double random, std::vector<Order>* orders);
  void act(Action action, base::Instant now, double random, std::vector<Order>* orders);
  void leave(std::optional<uint64_t>& who, Order::Kind how, std::vector<Order>* orders);
  void finish_if_gone(base::Instant now, std::vector<Order>* orders);

  State state_ = State::rejected;  // until its file was read
  Backoff backoff_;
  uint64_t newest_ = 0;
  std::optional<uint64_t> current_;
  std::optional<uint64_t> next_;
  std::set<uint64_t> leaving_;
  base::Instant current_since_;
  base::Instant due_at_;
  base::Duration served_{};  // how long the generation served that just died
  uint64_t restarts_ = 0;
  bool rests_ = false;  // after its wait it starts for a request only
  bool removed_ = false;
  bool stopped_ = false;
};

}  // namespace emperor
