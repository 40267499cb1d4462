// The logger: the process that writes the vassals' logs. The emperor's binary, started by
// the emperor with a hidden argument as an unprivileged user; it holds the reading ends
// of the vassals' pipes and their open files, and nothing else.
//
// It outlives the emperor that started it. When nobody is left who could speak to it, it
// goes on until the last vassal has closed its pipe.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "base/log.h"
#include "emperor/log_stream.h"
#include "emperor/message_channel.h"

namespace emperor {

class Logger {
 public:
  static constexpr std::string_view kFlag = "--logger=";  ///< + the control descriptor

  Logger(uvx::Loop& loop, base::Fd control, base::Log& log);
  /// Serves until it is told to stop, or until the last pipe ended after its control
  /// channel did. The exit code.
  uvx::Task<int> run();

 private:
  static uvx::Task<void> listen(Logger* self);
  void heard(Incoming incoming);
  void stream(const wire::Message& message, base::Fd pipe);
  static void tell(LogStream& stream, const wire::Message& message, base::Fd fd);
  std::shared_ptr<LogStream> find(const wire::Message& message) const;

  uvx::Loop& loop_;
  base::Log& log_;
  uvx::TaskGroup tasks_;
  std::shared_ptr<MessageChannel> control_;
  LogTargets targets_;
  std::map<uint64_t, std::shared_ptr<LogStream>> streams_;
  uint64_t epoch_ = 0;
  Wake idle_;
  bool stopping_ = false;
};

/// The whole process; `argument` follows kFlag.
int run_logger(std::string_view argument, base::Log& log);

}  // namespace emperor
