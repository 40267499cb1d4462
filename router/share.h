// Share: what the relayed requests of one vassal may take of a router process together:
// so many at once, and so many bytes of answers a second.
//
// Hand-overs are not counted: the router does not see their end. Who finds no room waits
// in line, bounded in number and time.
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <optional>

#include "base/uv/loop.h"
#include "base/uv/task.h"
#include "router/bandwidth.h"
#include "router/refusal.h"

namespace router {

class Share {
 public:
  struct Limits {
    size_t most_running = 0;  ///< 0: no limit
    size_t most_waiting = 0;
    base::Duration patience{};  ///< of who waits
    uint64_t bandwidth = 0;     ///< bytes a second; 0: no limit
  };
  void set_limits(const Limits& limits);

  /// A request under way: its end lets in who waits longest.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<Share> share) : share_(std::move(share)) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (share_) share_->leave();
    }

   private:
    std::shared_ptr<Share> share_;
  };
  /// A turn, or why there is none: the line is full, it took too long, or everybody was
  /// sent away. Null: nothing is shared, and whoever comes has a turn.
  static uvx::Task<std::expected<Turn, Refusal>> take_turn(std::shared_ptr<Share> share,
                                                           uvx::Loop& loop);
  /// Sends away who waits.
  void dismiss(const Refusal& refusal);

  /// Waits until more of an answer may be sent, after `bytes` of it were. False: whoever
  /// gets it, at `client`, hung up.
  static uvx::Task<bool> pay(std::shared_ptr<Share> share,
                             uvx::Loop& loop,
                             size_t bytes,
                             int client);
  /// The most of an answer to send at once.
  size_t piece(size_t most) const { return bandwidth_.piece(most); }
  /// Nobody waits for bandwidth any more, whatever is set later: the router ends.
  void lift_bandwidth();

  size_t running() const { return running_; }
  size_t waiting() const { return line_.size(); }

 private:
  struct Waiter {
    explicit Waiter(uvx::Loop& loop) : timer(loop) {}
    uvx::Timer timer;
    bool granted = false;
    std::optional<Refusal> refusal = std::nullopt;
  };
  bool has_room() const {
    return limits_.most_running == 0 || running_ < limits_.most_running;
  }
  void leave();
  void let_in();

  Limits limits_;
  Bandwidth bandwidth_;
  bool lifted_ = false;
  size_t running_ = 0;
  std::deque<Waiter*> line_;
};

}  // namespace router
