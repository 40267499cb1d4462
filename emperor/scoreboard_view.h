// ScoreboardView: the emperor's read-only look at a generation's scoreboard. The tenant's
// word: counts are bounded here and used for display and idling, never to bill.
#pragma once

#include <cstdint>
#include <utility>

#include "base/fd.h"
#include "base/wire/scoreboard.h"

namespace emperor {

/// A fresh scoreboard for `workers`, sealed against resizing.
base::Result<base::Fd> make_scoreboard(uint32_t workers);

class ScoreboardView {
 public:
  ScoreboardView() = default;
  /// Maps `memfd`; the descriptor may be closed afterwards. Empty if it is no scoreboard.
  static ScoreboardView map(int memfd);
  ScoreboardView(ScoreboardView&& other) noexcept
      : board_(std::exchange(other.board_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  ScoreboardView& operator=(ScoreboardView&& other) noexcept {
    std::swap(board_, other.board_);
    std::swap(size_, other.size_);
    return *this;
  }
  ScoreboardView(const ScoreboardView&) = delete;
  ScoreboardView& operator=(const ScoreboardView&) = delete;
  ~ScoreboardView();

  struct Totals {
    uint64_t taken = 0;
    uint64_t finished = 0;
    uint64_t bytes = 0;
    uint32_t workers = 0;  ///< alive
    uint32_t busy = 0;
    uint64_t last_change_ns = 0;  ///< CLOCK_MONOTONIC of the newest change of a worker
    uint32_t respawns = 0;
    uint32_t status[5] = {};
  };
  Totals totals() const;
  /// The vassal wrote down that it serves.
  bool says_ready() const;

 private:
  const wire::Scoreboard* board_ = nullptr;
  size_t size_ = 0;
};

/// Adds what is counted (requests, bytes, status classes) to `sum`; workers are not.
void add_counts(const ScoreboardView::Totals& totals, ScoreboardView::Totals* sum);

}  // namespace emperor
