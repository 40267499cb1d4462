#include "emperor/log_settings.h"

#include <algorithm>

namespace emperor {

namespace {

/// Smaller files would be put away all the time.
constexpr uint64_t kSmallest = 64 * 1024;

bool has(const std::vector<std::string>& words, const char* word) {
  return std::ranges::find(words, word) != words.end();
}

/// The files together stay within `space`: fewer are kept, then they get smaller.
void fit_into(uint64_t space, LogSettings* settings) {
  uint64_t& size = settings->rotation.size;
  if (size == 0 || size > space / 2) size = std::max(space / 2, kSmallest);
  // The one that is written may grow to twice its size while its successor is made.
  const uint64_t files = std::max<uint64_t>(space / size, 2);
  settings->keep = static_cast<uint32_t>(std::min<uint64_t>(settings->keep, files - 2));
}

}  // namespace

LogSettings log_settings(const std::string& name,
                         const vassal::VassalConfig& config,
                         const std::string& own_path,
                         uint64_t space) {
  LogSettings out;
  out.name = name;
  out.path = config.logto.empty() ? own_path : config.logto;
  const auto& loggers = config.loggers;
  out.file = loggers.empty() || !config.logto.empty() || has(loggers, "file");
  out.journald = has(loggers, "journald");
  out.syslog = has(loggers, "syslog");
  out.encoding = config.log_json ? LogEncoding::json : LogEncoding::text;
  out.date = config.log_date;
  out.rate = {config.log_rate, config.log_rate_lines};
  out.rotation = {config.log_maxsize, config.log_max_age};
  if (out.rotation.size > 0) out.rotation.size = std::max(out.rotation.size, kSmallest);
  out.keep = config.log_keep;
  if (config.logto.empty()) fit_into(space, &out);
  return out;
}

void write_fields(const LogSettings& s, wire::Message* message) {
  const auto number = [&](const char* name, uint64_t value) {
    if (value > 0) message->set(name, value);
  };
  message->set("name", s.name).set("path", s.path);
  number("file", s.file ? 1 : 0);
  number("journald", s.journald ? 1 : 0);
  number("syslog", s.syslog ? 1 : 0);
  number("json", s.encoding == LogEncoding::json ? 1 : 0);
  if (!s.date.empty()) message->set("date", s.date);
  number("rate", s.rate.bytes);
  number("rate-lines", s.rate.lines);
  number("size", s.rotation.size);
  number("age", static_cast<uint64_t>(s.rotation.age.count()));
  number("keep", s.keep);
}

LogSettings read_fields(const wire::Message& message) {
  const auto number = [&](const char* name) {
    return message.number(name).value_or(0);
  };
  LogSettings out;
  out.name = message.get("name");
  out.path = message.get("path");
  out.file = number("file") != 0;
  out.journald = number("journald") != 0;
  out.syslog = number("syslog") != 0;
  out.encoding = number("json") != 0 ? LogEncoding::json : LogEncoding::text;
  out.date = message.get("date");
  out.rate = {number("rate"), number("rate-lines")};
  out.rotation = {number("size"), std::chrono::seconds(number("age"))};
  out.keep = static_cast<uint32_t>(number("keep"));
  return out;
}

}  // namespace emperor
