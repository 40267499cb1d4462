// LogTargets: journald and syslog as places for lines. Datagrams that are never waited
// for: what a service does not take is the caller's to count.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "emperor/log_limits.h"

namespace emperor {

class LogTargets {
 public:
  /// Unix paths; syslog may be host:port (numeric) for UDP.
  void set(const std::string& journald, const std::string& syslog);

  bool to_journald(std::string_view vassal, std::string_view line);
  bool to_syslog(std::string_view vassal,
                 std::string_view line,
                 WallClock::time_point now);

 private:
  struct Place {
    std::string address;
    base::Fd socket;
    base::Instant again;  ///< when to try to connect again
    bool send(std::string_view datagram);
    bool connect();
    bool remote() const { return !address.starts_with('/'); }
  };
  Place journald_;
  Place syslog_;
  std::string host_;
};

}  // namespace emperor
