// One line of the access log, in the forms that log readers know. Pure.
//
// What a peer wrote is cut to a bound and escaped: no line is forged, no terminal driven.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "router/served.h"

namespace router {

/// common: client, user, time, request line, status, bytes. combined: that, and referer
/// and user agent. json: an object with everything that is known.
enum class AccessFormat : uint8_t { common, combined, json };
std::optional<AccessFormat> parse_access_format(std::string_view name);

/// Ends with a newline. `now`: of the line; seen in UTC.
std::string access_line(AccessFormat format,
                        const Served& served,
                        std::chrono::system_clock::time_point now);

/// Appends `text` as it may stand between quotes: quotes, backslashes, control characters
/// and bytes above ASCII become \xNN; cut at `limit` bytes.
void append_escaped(std::string& out, std::string_view text, size_t limit = 2048);
/// Appends `text` as a string of JSON, quotes included; bytes above ASCII are taken as
/// ISO 8859-1, as HTTP fields are.
void append_json(std::string& out, std::string_view text, size_t limit = 2048);

}  // namespace router
