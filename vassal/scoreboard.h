// ScoreboardMap: this process tree's mapping of its generation's scoreboard
// (wire/scoreboard.h).
//
// The emperor hands in a sealed memfd; a vassal that runs alone has an anonymous one.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "base/wire/scoreboard.h"

namespace vassal {

class ScoreboardMap {
 public:
  /// Maps `memfd`, or anonymous memory for `workers` lines if it is empty.
  static base::Result<ScoreboardMap> open(const base::Fd& memfd, uint32_t workers);
  ScoreboardMap(ScoreboardMap&& other) noexcept
      : board_(other.board_), size_(other.size_) {
    other.board_ = nullptr;
  }
  ScoreboardMap& operator=(ScoreboardMap&&) = delete;
  ScoreboardMap(const ScoreboardMap&) = delete;
  ScoreboardMap& operator=(const ScoreboardMap&) = delete;
  ~ScoreboardMap();

  wire::Scoreboard& board() const { return *board_; }
  /// How many workers it has room for.
  uint32_t room() const;

 private:
  ScoreboardMap(wire::Scoreboard* board, size_t size) : board_(board), size_(size) {}

  wire::Scoreboard* board_;
  size_t size_;
};

/// Notes a change of state on one worker's line. The store is ordered before later reads
/// of master_asleep: a master that goes to sleep sees it, or the worker sees the master
/// asleep.
void set_state(wire::WorkerLine& line, wire::WorkerState state, uint64_t now_ns);

}  // namespace vassal
