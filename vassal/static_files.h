// Static files: `static-map = /prefix=directory`, served by the worker before the
// application.
//
// Minimal: GET and HEAD of regular files with type, size and date, and 304. The path is
// resolved beneath its directory by the kernel (openat2), so neither `..` nor a symbolic
// link leaves it. What is not a readable file there is left to the application.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "vassal/config.h"
#include "vassal/request.h"

namespace vassal {

struct StaticFile {
  base::Fd fd;
  off_t size = 0;
  time_t modified = 0;
  std::string_view type;  ///< "" if the name tells nothing
};

/// The file that a GET or HEAD request means under one of `maps`; nothing if there is
/// none.
std::optional<StaticFile> find_static(const Request& request,
                                      std::span<const StaticMap> maps);

/// Media type by the name's extension; "" if unknown.
std::string_view media_type(std::string_view name);

/// RFC 9110 date, as in Last-Modified; and back. Nothing if `text` is no such date.
std::string http_date(time_t when);
std::optional<time_t> parse_http_date(std::string_view text);

}  // namespace vassal
