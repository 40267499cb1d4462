#include "router/vassals.h"

#include <algorithm>

namespace router {

Vassal* Vassals::find(VassalId id) {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : it->second->vassal.get();
}

Vassal& Vassals::find_or_make(VassalId id) {
  auto& entry = entries_[id];
  if (!entry) {
    entry = std::make_unique<Entry>();
    entry->vassal = std::make_unique<Vassal>(id, belt_most_, budget_, events_);
  }
  return *entry->vassal;
}

void Vassals::dismiss_parked(const Refusal& refusal) {
  for (const auto& [id, entry] : entries_)
    entry->vassal->dismiss_parked(refusal);
}

void Vassals::remove(VassalId id) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return;
  it->second->vassal->dismiss_all(refusals::kRemoved);
  std::erase(active_, it->second.get());
  entries_.erase(it);
}

std::optional<Refusal> Vassals::offer(Vassal& vassal,
                                      const wire::HandoffHeader& header,
                                      std::string_view payload,
                                      base::Fd& connection) {
  auto refusal = vassal.offer(header, payload, connection);
  if (refusal) return refusal;
  Entry& entry = *entries_.at(vassal.id());
  // Usually a sweep is due before this one can expire, and there is nothing to do.
  if (entry.due > header.deadline.at() || vassal.queued() != 0)
    schedule(entry, vassal.next_sweep(base::Clock::now()));
  return std::nullopt;
}

void Vassals::look_after(Vassal& vassal) {
  schedule(*entries_.at(vassal.id()), vassal.next_sweep(base::Clock::now()));
}

void Vassals::schedule(Entry& entry, base::Deadline due) {
  if (due.is_never()) return;
  if (entry.due == base::Instant::max()) active_.push_back(&entry);
  entry.due = std::min(entry.due, due.at());
  if (entry.due < next_sweep_) timer_.cancel();
}

void Vassals::sweep(base::Instant now) {
  next_sweep_ = base::Instant::max();
  std::erase_if(active_, [&](Entry* entry) {
    if (entry->due <= now) {
      entry->vassal->sweep(now);
      entry->due = entry->vassal->next_sweep(now).at();
    }
    next_sweep_ = std::min(next_sweep_, entry->due);
    return entry->due == base::Instant::max();
  });
}

uvx::Task<void> Vassals::run() {
  while (!closed_) {
    sweep(base::Clock::now());
    static_cast<void>(co_await timer_.sleep_until(base::Deadline(next_sweep_)));
  }
}

void Vassals::close() {
  closed_ = true;
  timer_.cancel();
}

}  // namespace router
