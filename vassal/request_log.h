// RequestLog: one line per request into the vassal's log, in uWSGI's form or by
// `log-format`.
//
// Lines are gathered while requests follow each other and written together, whole lines
// and at most PIPE_BUF at once, before the worker waits: neighbours on the same pipe
// never mix.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vassal/config.h"
#include "vassal/request.h"

namespace vassal {

/// What a line is made of beside the request itself.
struct RequestFacts {
  uint32_t worker = 0;        ///< from 1
  uint64_t worker_count = 0;  ///< requests of this worker, this one included
  int status = 0;
  uint64_t body_bytes = 0;
  uint64_t head_bytes = 0;
  uint32_t headers = 0;
  uint64_t microseconds = 0;
  int64_t unix_time = 0;
};

/// One line, with its end. `format` empty: uWSGI's default line.
void append_request_line(std::string& out,
                         std::string_view format,
                         const Request& request,
                         const RequestFacts& facts,
                         bool forwarded_for);

class RequestLog {
 public:
  explicit RequestLog(const VassalConfig& config)
      : format_(config.log_format),
        forwarded_for_(config.log_x_forwarded_for),
        on_(!config.disable_logging) {}

  bool on() const { return on_; }
  void add(const Request& request, const RequestFacts& facts);
  /// Writes what was gathered. Called before every wait.
  void flush();

 private:
  std::string format_;
  std::string pending_;
  bool forwarded_for_;
  bool on_;
};

}  // namespace vassal
