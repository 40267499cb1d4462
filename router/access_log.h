// AccessLog: one line for each request that came to the router, if the operator wants it.
//
// Says what the router knows: which door, which host, and what became of the request.
// Status and size of handed-over requests stand in the vassal's own request log.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace router {

class AccessLog {
 public:
  /// Writes nothing.
  AccessLog() = default;
  /// Appends to the file, which is made if it does not exist.
  static base::Result<AccessLog> open(const std::string& path);

  explicit operator bool() const { return static_cast<bool>(file_); }
  /// `status` 0: handed over to its vassal.
  void note(std::string_view door, std::string_view host, int status);

 private:
  explicit AccessLog(base::Fd file) : file_(std::move(file)) {}

  base::Fd file_;
};

}  // namespace router
