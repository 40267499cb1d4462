#include "emperor/scoreboard_view.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace emperor {

base::Result<base::Fd> make_scoreboard(uint32_t workers) {
  const uint32_t lines = std::clamp(workers, 1U, wire::Scoreboard::kMaxWorkers);
  TRY_ASSIGN(auto memfd, base::make_memfd("scoreboard"));
  const auto size = static_cast<off_t>(wire::Scoreboard::size_for(lines));
  if (::ftruncate(memfd.get(), size) != 0) return base::fail_errno("size scoreboard");
  TRY(base::seal_size(memfd.get()));
  return memfd;
}

ScoreboardView ScoreboardView::map(int memfd) {
  ScoreboardView view;
  struct stat s{};
  if (::fstat(memfd, &s) != 0) return view;
  const auto size = static_cast<size_t>(s.st_size);
  if (size < wire::Scoreboard::size_for(1)) return view;
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memfd, 0);
  if (memory == MAP_FAILED) return view;
  view.board_ = static_cast<const wire::Scoreboard*>(memory);
  view.size_ = size;
  return view;
}

ScoreboardView::~ScoreboardView() {
  if (board_ != nullptr) ::munmap(const_cast<wire::Scoreboard*>(board_), size_);
}

bool ScoreboardView::says_ready() const {
  return board_ != nullptr && board_->ready.load(std::memory_order_acquire) != 0;
}

ScoreboardView::Totals ScoreboardView::totals() const {
  Totals totals;
  if (board_ == nullptr) return totals;
  const size_t room = (size_ - sizeof(wire::Scoreboard)) / sizeof(wire::WorkerLine);
  const auto relaxed = std::memory_order_relaxed;
  const auto lines = std::min<size_t>(board_->workers.load(relaxed), room);
  totals.respawns = board_->respawns.load(relaxed);
  for (uint32_t i = 0; i < lines; ++i) {
    const auto& line = board_->line(i);
    totals.taken += line.taken.load(relaxed);
    totals.finished += line.finished.load(relaxed);
    totals.bytes += line.bytes.load(relaxed);
    totals.last_change_ns = std::max(totals.last_change_ns, line.since_ns.load(relaxed));
    if (line.pid.load(relaxed) != 0) ++totals.workers;
    if (line.state.load(relaxed) == wire::WorkerState::busy) ++totals.busy;
    for (int c = 0; c < 5; ++c)
      totals.status[c] += line.status[c].load(relaxed);
  }
  return totals;
}

void add_counts(const ScoreboardView::Totals& totals, ScoreboardView::Totals* sum) {
  sum->taken += totals.taken;
  sum->finished += totals.finished;
  sum->bytes += totals.bytes;
  for (int i = 0; i < 5; ++i)
    sum->status[i] += totals.status[i];
}

}  // namespace emperor
