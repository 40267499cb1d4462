#include "router/ledger.h"

#include <algorithm>
#include <array>

namespace router {

namespace {

constexpr base::Duration kTellEvery = std::chrono::seconds(1);
constexpr unsigned kMostTold = 20;  // of all sites in that time
/// What an operator looks for: the site or its limits, not the asker's mistakes.
constexpr std::array kFailures{408, 413, 502, 503, 504};

/// "a.example" is all that a normalised name can be; still, a log is no place for more.
std::string shown(std::string_view host) {
  return host.empty() ? "-" : base::printable(host);
}

}  // namespace

void Ledger::count(const Served& served, Tally& tally) {
  ++tally.requests;
  tally.received += served.received;
  tally.sent += served.sent;
  switch (served.outcome) {
    case Outcome::handed_over:
      ++tally.handed_over;
      return;  // what follows is its worker's affair
    case Outcome::relayed:
      ++tally.relayed;
      break;
    case Outcome::refused:
      ++tally.refused;
      if (served.refusal != nullptr)
        ++tally.causes[static_cast<size_t>(served.refusal->cause)];
      break;
  }
  tally.count_status(served.status);
  // A worker takes it when it likes: that is told by note_waited().
  if (served.connected && !served.node.empty())
    tally.queue.add(*served.connected - served.arrived);
  if (served.first_byte) tally.first_byte.add(*served.first_byte - served.arrived);
  if (served.ended) tally.total.add(*served.ended - served.arrived);
}

void Ledger::note(const Served& served) {
  Site& site = site_of(served);
  count(served, site.tally);
  if (served.vassal) count(served, vassals_[*served.vassal]);
  tell(served, site);
  if (access_log_) access_log_.write(served);
}

void Ledger::note_dismissed(const Served& served) {
  const auto count_again = [&served](Tally& tally) {
    ++tally.refused;
    if (served.refusal == nullptr) return;
    ++tally.causes[static_cast<size_t>(served.refusal->cause)];
  };
  Site& site = site_of(served);
  count_again(site.tally);
  if (served.vassal) count_again(vassals_[*served.vassal]);
  tell(served, site);
  if (access_log_) access_log_.write(served);
}

/// Many sites that fail at once say no more than some of them.
bool Ledger::may_tell(base::Instant now) {
  if (now - told_since_ > kTellEvery) {
    told_since_ = now;
    told_ = 0;
  }
  return ++told_ <= kMostTold;
}

void Ledger::tell(const Served& served, Site& site) {
  if (served.refusal == nullptr ||
      std::ranges::find(kFailures, served.refusal->status) == kFailures.end())
    return;
  const auto now = base::Clock::now();
  if (now - site.told_at < kTellEvery || !may_tell(now)) {
    ++site.untold;
    return;
  }
  const std::string_view limit = limit_of(served.refusal->cause);
  log_.warn("site {}: refused status={} hop=\"{}\" limit={} cause={} more={}",
            shown(served.host), served.refusal->status, hop_text(served),
            limit.empty() ? "-" : limit, name_of(served.refusal->cause), site.untold);
  site.told_at = now;
  site.untold = 0;
}

void Ledger::note_waited(std::string_view host, VassalId vassal, base::Duration waited) {
  site_of({.host = host, .vassal = vassal}).tally.queue.add(waited);
  vassals_[vassal].queue.add(waited);
}

Ledger::Site& Ledger::site_of(const Served& served) {
  const auto found = hosts_.find(served.host);
  if (found != hosts_.end()) return found->second;
  // A name that nobody serves is the asker's invention: it gets no entry.
  const bool served_here = served.vassal || !served.node.empty();
  if (served.host.empty() || !served_here) return other_;
  const std::string name = name_of_ ? name_of_(served) : std::string(served.host);
  if (name == served.host && served.vassal) return site_named(name);
  if (name == served.host) {
    // A tenant may subscribe as many as he likes: vassals need room, too.
    if (!vassals_.empty() && subscribed_ >= most_hosts_ / 2) return other_;
    ++subscribed_;
    return site_named(name);
  }
  if (made_up_ >= most_hosts_ / 4) return site_named(name);
  ++made_up_;
  return site_named(served.host);
}

Ledger::Site& Ledger::site_named(std::string_view name) {
  const auto found = hosts_.find(name);
  if (found != hosts_.end()) return found->second;
  if (name.empty() || hosts_.size() >= most_hosts_) return other_;
  return hosts_.try_emplace(std::string(name)).first->second;
}

void Ledger::reopen_log() {
  if (const auto opened = access_log_.reopen(); !opened)
    log_.error("router: access log not opened anew reason=\"{}\"",
               opened.error().message());
}

const Tally* Ledger::of_vassal(VassalId id) const {
  const auto found = vassals_.find(id);
  return found == vassals_.end() ? nullptr : &found->second;
}

}  // namespace router
