// Ledger: hears of every request that ends in the router, handed over, relayed or
// refused, and keeps the figures and the access log.
//
// Costs two look-ups a request while no access log is wanted: what only the log needs is
// read from the request's packet, and only then.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/log.h"
#include "base/wire/tally.h"
#include "router/access_log.h"

namespace router {

using wire::Tally;

class Ledger {
 public:
  /// By which name a request's host is served: itself, or the pattern that covers it;
  /// empty if any name is. Without it each is served by its own.
  using NameOf = std::function<std::string(const Served&)>;
  /// `most_hosts`: hosts with figures of their own; the others' are counted as one. Names
  /// that an asker may make up get a quarter of that, then they count for their pattern.
  Ledger(base::Log& log, size_t most_hosts, NameOf name_of = {})
      : log_(log), most_hosts_(most_hosts), name_of_(std::move(name_of)) {}

  void use(AccessLog access_log) { access_log_ = std::move(access_log); }
  /// The access log's file was moved away.
  void reopen_log();

  /// Once for each request.
  void note(const Served& served);
  /// A request that was noted as handed over is given up: untaken for too long, or its
  /// vassal went. Once more in the log and among the refusals, not among the requests.
  void note_dismissed(const Served& served);
  /// It waited so long in the router before its vassal could have it.
  void note_waited(std::string_view host, VassalId vassal, base::Duration waited);
  /// The vassal is removed.
  void forget(VassalId id) { vassals_.erase(id); }

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Site {
    Tally tally;
    base::Instant told_at = {};  ///< of a failure, in the log
    uint64_t untold = 0;         ///< failures since
  };
  using Hosts = std::unordered_map<std::string, Site, Hash, std::equal_to<>>;
  const Hosts& hosts() const { return hosts_; }
  /// Of all hosts that have no entry of their own.
  const Tally& other() const { return other_.tally; }
  using Vassals = std::unordered_map<VassalId, Tally>;
  const Vassals& vassals() const { return vassals_; }
  /// Null if it had no request.
  const Tally* of_vassal(VassalId id) const;

 private:
  Site& site_of(const Served& served);
  /// That of a name that somebody serves.
  Site& site_named(std::string_view name);
  /// Names the hop and the limit of a failure in the log, once a second for each site.
  void tell(const Served& served, Site& site);
  bool may_tell(base::Instant now);
  static void count(const Served& served, Tally& tally);

  base::Log& log_;
  size_t most_hosts_;
  NameOf name_of_;
  size_t subscribed_ = 0;  // hosts that are served by nodes, by their own names
  size_t made_up_ = 0;     // hosts that are served by a pattern
  AccessLog access_log_;
  Hosts hosts_;
  Site other_;
  Vassals vassals_;
  base::Instant told_since_ = {};
  unsigned told_ = 0;
};

}  // namespace router
