// Claims: who holds which host name.
//
// Pure. The first vassal that claims a host keeps it; later ones wait behind it, are told
// who has it, and inherit it when the holder lets go. Saved in the run directory
// (claims_file), so that a restarted emperor decides as before, whatever order the files
// are read in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emperor {

/// A host whose holder is another now; empty = nobody.
struct HostChange {
  std::string host;
  std::string holder;
  friend bool operator==(const HostChange&, const HostChange&) = default;
};

/// A host that was claimed and is held by somebody else.
struct Refusal {
  std::string host;
  std::string holder;
  std::string holder_file;
};

class Claims {
 public:
  /// From now on `vassal` (of `file`) claims exactly `hosts`. Returns what changed hands.
  std::vector<HostChange> set(const std::string& vassal,
                              const std::string& file,
                              const std::vector<std::string>& hosts);
  /// `vassal` claims nothing any more.
  std::vector<HostChange> drop(const std::string& vassal) { return set(vassal, {}, {}); }
  /// The hosts that `vassal` claims but does not hold.
  std::vector<Refusal> refused(const std::string& vassal) const;
  /// The vassal that holds `host`; empty if nobody.
  std::string_view holder(std::string_view host) const;
  /// Every host with its holder, sorted by host.
  std::vector<HostChange> held() const;

  struct Claimant {
    std::string vassal;
    std::string file;
    int64_t since = 0;  ///< seconds of the epoch; shown, never compared
  };
  /// Every host with those who want it, the holder first: what is saved.
  const std::map<std::string, std::vector<Claimant>, std::less<>>& all() const {
    return hosts_;
  }
  /// Puts back a saved claim; call in the saved order, before any set().
  void restore(const std::string& host, Claimant claimant);
  /// The clock of `since`, handed in by whoever calls set().
  void set_time(int64_t epoch_seconds) { now_ = epoch_seconds; }

 private:
  void withdraw(const std::string& vassal,
                const std::string& host,
                std::vector<HostChange>* changes);

  std::map<std::string, std::vector<Claimant>, std::less<>> hosts_;
  std::map<std::string, std::vector<std::string>, std::less<>> of_vassal_;
  int64_t now_ = 0;
};

}  // namespace emperor
