// Vassals: all vassals of a router process, and the coroutine that looks after what
// waits.
//
// Nothing waits: no timer runs. Something lies on a belt: one look when the oldest
// expires. Something is parked: a try every few milliseconds.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/uv/loop.h"
#include "router/vassal.h"

namespace router {

class Vassals {
 public:
  Vassals(uvx::Loop& loop, VassalEvents& events, size_t belt_most, ParkingBudget budget)
      : timer_(loop), events_(events), belt_most_(belt_most), budget_(budget) {}

  Vassal* find(VassalId id);
  Vassal& find_or_make(VassalId id);
  /// Answers what is parked for all of them.
  void dismiss_parked(const Refusal& refusal);
  /// Answers everything that waits for it, and forgets it.
  void remove(VassalId id);

  /// Vassal::offer(), and sees to it that what waits is looked after.
  std::optional<Refusal> offer(Vassal& vassal,
                               const wire::HandoffHeader& header,
                               std::string_view payload,
                               base::Fd& connection);
  /// Looks after a vassal whose channel or state changed.
  void look_after(Vassal& vassal);

  /// Parked requests of all vassals.
  size_t parked() const { return budget_.used().parcels; }
  template <class F>
  void for_each(F&& visit) const {
    for (const auto& [id, entry] : entries_)
      visit(*entry->vassal);
  }

  /// Sweeps what is due, until close().
  uvx::Task<void> run();
  void close();

 private:
  struct Entry {
    std::unique_ptr<Vassal> vassal;
    base::Instant due = base::Instant::max();
  };
  void schedule(Entry& entry, base::Deadline due);
  void sweep(base::Instant now);

  uvx::Timer timer_;
  VassalEvents& events_;
  size_t belt_most_;
  ParkingBudget budget_;
  std::unordered_map<VassalId, std::unique_ptr<Entry>> entries_;
  std::vector<Entry*> active_;  // those with a due time
  base::Instant next_sweep_ = base::Instant::max();
  bool closed_ = false;
};

}  // namespace router
