// AccessLog: one line for each request that came to the router, if the operator wants it.
//
// The file is opened anew when asked to, and when its name stands for another one (it was
// moved away, logrotate(8)); that is looked at once a second, while lines come.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "router/access_line.h"

namespace router {

class AccessLog {
 public:
  /// Writes nothing.
  AccessLog() = default;
  /// Appends to the file, which is made if it does not exist.
  static base::Result<AccessLog> open(std::string path, AccessFormat format);

  explicit operator bool() const { return static_cast<bool>(file_); }
  void write(const Served& served);
  /// Begins with the file that has the name now; if there cannot be one, goes on with the
  /// one it has.
  base::Result<> reopen();

 private:
  AccessLog(std::string path, AccessFormat format, base::Fd file)
      : path_(std::move(path)), format_(format), file_(std::move(file)) {}
  bool moved_away() const;

  std::string path_;
  AccessFormat format_ = AccessFormat::combined;
  base::Fd file_;
  base::Instant looked_ = {};
};

}  // namespace router
