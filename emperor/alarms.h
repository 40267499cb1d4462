// Alarms: everything that is due at some time, in one ordered list behind one timer of
// the loop.
//
// Pure. Alarms are never taken back: who gets one checks whether it still means anything
// (the generation may be gone, the vassal ready). So setting one is O(log n) and
// cancelling is free.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"

namespace emperor {

struct Alarm {
  enum class Kind {
    due,            ///< the wait of a backoff is over
    start_timeout,  ///< a generation had its time to become ready
    slot,           ///< look whether a starter still needs its slot
    mercy,          ///< a draining generation had its time
    gone,           ///< look again whether a killed generation is gone
    lost,           ///< an adopted generation's end should have been told by now
    spoiled,        ///< a spoiled handoff channel may be replaced now
    quiet,          ///< a file (in `vassal`) was not written for a while
    idle,           ///< a vassal may have had no request for long enough
    last_words,     ///< read what a generation wrote at its end
    knock,          ///< look again whether somebody knocks at a sleeper
    sockets,        ///< try again to open a sleeper's sockets
    heartbeat,      ///< a generation that sends heartbeats may have been silent too long
    reload,         ///< a reload that the vassal asked for
    claims,         ///< save the claims
    old_logs,       ///< remove logs of vassals that are gone
  };
  Kind kind;
  std::string vassal;
  uint64_t generation = 0;
};

class Alarms {
 public:
  void set(base::Instant at, Alarm alarm) { alarms_.emplace(at, std::move(alarm)); }
  /// The next alarm whose time has come, taken out of the list.
  std::optional<Alarm> take_due(base::Instant now) {
    if (alarms_.empty() || alarms_.begin()->first > now) return std::nullopt;
    Alarm alarm = std::move(alarms_.begin()->second);
    alarms_.erase(alarms_.begin());
    return alarm;
  }
  /// When to look again.
  base::Deadline next() const {
    return alarms_.empty() ? base::Deadline::never()
                           : base::Deadline(alarms_.begin()->first);
  }
  size_t size() const { return alarms_.size(); }

 private:
  std::multimap<base::Instant, Alarm> alarms_;
};

}  // namespace emperor
