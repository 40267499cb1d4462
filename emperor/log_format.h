// How one line of a vassal looks where it is written: in its file, to journald, to
// syslog.
//
// Pure. Lines come without their end and may hold any bytes but a newline.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "emperor/log_limits.h"

namespace emperor {

enum class LogEncoding { text, json };

/// For the file. `date` is a format of strftime(3) put in front of text; empty for none.
/// What is the same for all lines, or for all of one second, is made once.
class LineEncoder {
 public:
  LineEncoder(LogEncoding encoding, std::string date, std::string_view vassal);
  /// Appends one line with its end.
  void append(std::string& out, std::string_view line, WallClock::time_point now);

 private:
  void stamp(WallClock::time_point now);

  LogEncoding encoding_;
  std::string date_;
  std::string vassal_;                                           // as JSON
  WallClock::time_point second_ = WallClock::time_point::max();  // of the stamp
  std::string stamp_;
  std::string zone_;
};

/// A datagram of journald's native protocol.
std::string journald_entry(std::string_view vassal, std::string_view line);

/// RFC 3164 as local daemons expect it (no host name), facility user, severity info.
std::string syslog_local(std::string_view vassal,
                         std::string_view line,
                         WallClock::time_point now);
/// RFC 5424 for a server elsewhere.
std::string syslog_remote(std::string_view host,
                          std::string_view vassal,
                          std::string_view line,
                          WallClock::time_point now);

}  // namespace emperor
