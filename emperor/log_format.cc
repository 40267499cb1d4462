#include "emperor/log_format.h"

#include <array>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>

#include <fmt/core.h>

#include "base/log.h"

namespace emperor {

namespace {

constexpr int kUserInfo = 1 * 8 + 6;
/// A message that is larger is cut by most receivers.
constexpr size_t kLargest = 8 * 1024;

void append_time(std::string& out, const char* format, const tm& when) {
  std::array<char, 128> text;
  out.append(text.data(), std::strftime(text.data(), text.size(), format, &when));
}

tm local(WallClock::time_point now) {
  const time_t seconds = WallClock::to_time_t(now);
  tm out{};
  ::localtime_r(&seconds, &out);
  return out;
}

constexpr char kIsoSecond[] = "%Y-%m-%dT%H:%M:%S";

int64_t micros_of(WallClock::time_point now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()) %
         std::chrono::seconds(1) / std::chrono::microseconds(1);
}

/// "+01:00"
std::string zone_of(const tm& when) {
  std::string out;
  append_time(out, "%z", when);
  return out.insert(out.size() - 2, 1, ':');
}

/// "2026-03-01T10:00:00.123456+01:00"
std::string iso_time(WallClock::time_point now) {
  std::string out;
  const tm when = local(now);
  append_time(out, kIsoSecond, when);
  return out + fmt::format(".{:06}", micros_of(now)) + zone_of(when);
}

std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);
}

/// A name without what ends a tag.
std::string tag_of(std::string_view vassal) {
  std::string tag(vassal.substr(0, 48));
  for (char& c : tag)
    if (c <= ' ' || c == ':' || c == '[' || c == ']' || c == 0x7f) c = '_';
  return tag.empty() ? "-" : tag;
}

}  // namespace

LineEncoder::LineEncoder(LogEncoding encoding, std::string date, std::string_view vassal)
    : encoding_(encoding), date_(std::move(date)), vassal_(quoted(vassal)) {}

void LineEncoder::stamp(WallClock::time_point now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second == second_) return;
  second_ = second;
  const tm when = local(now);
  stamp_.clear();
  append_time(stamp_, encoding_ == LogEncoding::json ? kIsoSecond : date_.c_str(), when);
  zone_ = zone_of(when);
}

void LineEncoder::append(std::string& out,
                         std::string_view line,
                         WallClock::time_point now) {
  if (encoding_ == LogEncoding::json || !date_.empty()) stamp(now);
  if (encoding_ == LogEncoding::json) {
    out.append("{\"time\":\"").append(stamp_);
    fmt::format_to(std::back_inserter(out), ".{:06}", micros_of(now));
    out.append(zone_).append("\",\"vassal\":").append(vassal_);
    out.append(",\"line\":").append(quoted(line)).append("}\n");
    return;
  }
  if (!date_.empty()) out.append(stamp_).append(" - ");
  out.append(line).append("\n");
}

std::string journald_entry(std::string_view vassal, std::string_view line) {
  std::string out = "PRIORITY=6\nSYSLOG_IDENTIFIER=";
  out.append(tag_of(vassal)).append("\nIMPERIUM_VASSAL=").append(base::printable(vassal));
  out.append("\nMESSAGE=").append(line).append("\n");
  return out;
}

std::string syslog_local(std::string_view vassal,
                         std::string_view line,
                         WallClock::time_point now) {
  std::string out = fmt::format("<{}>", kUserInfo);
  append_time(out, "%b %e %H:%M:%S ", local(now));
  out.append(tag_of(vassal)).append(": ").append(line.substr(0, kLargest));
  return out;
}

std::string syslog_remote(std::string_view host,
                          std::string_view vassal,
                          std::string_view line,
                          WallClock::time_point now) {
  return fmt::format("<{}>1 {} {} {} - - - {}", kUserInfo, iso_time(now),
                     host.empty() ? "-" : host, tag_of(vassal), line.substr(0, kLargest));
}

}  // namespace emperor
