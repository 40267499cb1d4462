// Log: one named logger per component, handed in by reference; spdlog stays in log.cc.
//
// Line format: subject, event, then key=value. Levels: error = a human must act; warn =
// degraded, self-healing; info = life cycle; debug = per connection. Tenant-controlled
// text goes through printable() first.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace base {

enum class LogLevel { debug, info, warn, error, off };

class Log {
 public:
  /// A logger called `name` that writes to standard error.
  static Log to_stderr(std::string name, LogLevel level = LogLevel::info);
  /// A logger that throws everything away (tests, --quiet).
  static Log silent();
  /// A logger that appends its lines to `*out`, which must outlive it (tests).
  static Log to_string(std::string name, std::string* out);

  /// Another name, the same sink and level.
  Log named(std::string name) const;

  template <class... A>
  void debug(fmt::format_string<A...> f, A&&... a) {
    if (enabled(LogLevel::debug))
      write(LogLevel::debug, fmt::vformat(f, fmt::make_format_args(a...)));
  }
  template <class... A>
  void info(fmt::format_string<A...> f, A&&... a) {
    if (enabled(LogLevel::info))
      write(LogLevel::info, fmt::vformat(f, fmt::make_format_args(a...)));
  }
  template <class... A>
  void warn(fmt::format_string<A...> f, A&&... a) {
    if (enabled(LogLevel::warn))
      write(LogLevel::warn, fmt::vformat(f, fmt::make_format_args(a...)));
  }
  template <class... A>
  void error(fmt::format_string<A...> f, A&&... a) {
    if (enabled(LogLevel::error))
      write(LogLevel::error, fmt::vformat(f, fmt::make_format_args(a...)));
  }

  bool enabled(LogLevel level) const;

 private:
  struct Sink;
  explicit Log(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void write(LogLevel level, std::string_view line);

  std::shared_ptr<Sink> sink_;
};

/// `text` with control characters and non-ASCII bytes escaped (\xNN), cut at `limit`
/// bytes: what a tenant or a peer wrote never forges a log line.
std::string printable(std::string_view text, size_t limit = 256);

}  // namespace base
