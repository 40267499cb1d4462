// LogSettings: how one vassal's log is kept; made by the emperor from the vassal's
// configuration, carried to the logger in a message.
#pragma once

#include <cstdint>
#include <string>

#include "base/wire/message.h"
#include "emperor/log_format.h"
#include "emperor/log_limits.h"
#include "vassal/config.h"

namespace emperor {

struct LogSettings {
  std::string name;  ///< of the vassal
  std::string path;  ///< of its file: ours in the run directory, or the tenant's `logto`
  bool file = true;
  bool journald = false;
  bool syslog = false;
  LogEncoding encoding = LogEncoding::text;
  std::string date;
  RateLimit rate;
  RotationLimit rotation;
  uint32_t keep = 0;  ///< files that are put away
  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

/// `space`: bytes that all files of one vassal may take together where the operator pays
/// for them.
LogSettings log_settings(const std::string& name,
                         const vassal::VassalConfig& config,
                         const std::string& own_path,
                         uint64_t space);

void write_fields(const LogSettings& settings, wire::Message* message);
LogSettings read_fields(const wire::Message& message);

}  // namespace emperor
