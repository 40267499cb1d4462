// CgiHead: the head of a CGI program's answer (RFC 3875, 6), read piece by piece. Pure.
//
// Lines end by LF or CR LF, as programs write them. A first line "HTTP/1.1 404 Not Found"
// is taken for what "Status: 404 Not Found" says. Without either, Location means 302 and
// anything else 200.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "router/http_message.h"

namespace router {

class CgiHead {
 public:
  /// `text`: the answer from its first byte on, as far as it came; may stand elsewhere
  /// each time. The size of the head with its empty line, once that is there.
  std::optional<size_t> find_end(std::string_view text);

  /// Reads a whole head; views point into it. False: it is not one.
  bool read(std::string_view head);

  int status() const { return status_; }
  std::string_view reason() const { return reason_; }
  /// All but Status; names and values are as they came, without spaces around them.
  const std::vector<HttpField>& fields() const { return fields_; }

 private:
  bool read_line(std::string_view line);
  bool read_status(std::string_view text);

  size_t scanned_ = 0;
  size_t line_ = 0;  // where the line begins that is being scanned
  int status_ = 0;
  std::string_view reason_;
  std::vector<HttpField> fields_;
};

}  // namespace router
