#include "base/log.h"

#include <utility>

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace base {

namespace {

/// Keeps the text of each line, without time and level.
class StringSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit StringSink(std::string* out) : out_(out) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    out_->append(line.payload.data(), line.payload.size());
    out_->push_back('\n');
  }
  void flush_() override {}

  std::string* out_;
};

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l [%n] %v";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

}  // namespace

struct Log::Sink {
  spdlog::logger logger;

  Sink(std::string name, spdlog::sink_ptr sink, spdlog::level::level_enum level)
      : logger(std::move(name), std::move(sink)) {
    logger.set_level(level);
    logger.flush_on(spdlog::level::debug);
  }
};

Log Log::to_stderr(std::string name, LogLevel level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  sink->set_pattern(kPattern);
  return Log(std::make_shared<Sink>(std::move(name), std::move(sink), to_spdlog(level)));
}

Log Log::silent() {
  return Log(std::make_shared<Sink>("", std::make_shared<spdlog::sinks::null_sink_st>(),
                                    spdlog::level::off));
}

Log Log::to_string(std::string name, std::string* out) {
  auto sink = std::make_shared<StringSink>(out);
  return Log(
      std::make_shared<Sink>(std::move(name), std::move(sink), spdlog::level::debug));
}

Log Log::named(std::string name) const {
  return Log(std::make_shared<Sink>(std::move(name), sink_->logger.sinks().front(),
                                    sink_->logger.level()));
}

bool Log::enabled(LogLevel level) const {
  return sink_->logger.should_log(to_spdlog(level));
}

void Log::write(LogLevel level, std::string_view line) {
  sink_->logger.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace base
