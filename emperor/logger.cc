#include "emperor/logger.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <charconv>

#include "base/wire/logger.h"

namespace emperor {

namespace verbs = wire::logger;

Logger::Logger(uvx::Loop& loop, base::Fd control, base::Log& log)
    : loop_(loop),
      log_(log),
      tasks_(loop),
      control_(std::make_shared<MessageChannel>(loop, tasks_, std::move(control))),
      idle_(loop) {}

uvx::Task<int> Logger::run() {
  tasks_.spawn(listen(this));
  while (!stopping_ || !streams_.empty())
    (void)co_await idle_.wait();
  control_->close();
  co_await tasks_.join();
  co_return 0;
}

uvx::Task<void> Logger::listen(Logger* self) {
  const auto control = self->control_;
  for (;;) {
    auto incoming = co_await control->receive();
    if (!incoming) break;
    self->heard(*std::move(incoming));
  }
  if (!self->stopping_)
    self->log_.warn("logger: nobody is there to speak to streams={}",
                    self->streams_.size());
  self->stopping_ = true;
  self->idle_.set();
}

std::shared_ptr<LogStream> Logger::find(const wire::Message& message) const {
  const auto found = streams_.find(message.number("id").value_or(0));
  return found == streams_.end() ? nullptr : found->second;
}

void Logger::heard(Incoming incoming) {
  const auto& message = incoming.message;
  auto fd = incoming.fds.empty() ? base::Fd() : std::move(incoming.fds.front());
  if (message.verb == verbs::kTargets) {
    ++epoch_;
    targets_.set(std::string(message.get("journald")),
                 std::string(message.get("syslog")));
  } else if (message.verb == verbs::kStream) {
    stream(message, std::move(fd));
  } else if (message.verb == verbs::kSynced) {
    for (const auto& [id, stream] : streams_)
      if (stream->epoch != epoch_) stream->end();
  } else if (message.verb == verbs::kStop) {
    stopping_ = true;
    const bool leave = message.number("leave").value_or(0) != 0;
    for (const auto& [id, stream] : streams_) {
      if (leave)
        stream->leave();
      else
        stream->end();
    }
    idle_.set();
  } else if (const auto stream = find(message)) {
    tell(*stream, message, std::move(fd));
  }
}

void Logger::tell(LogStream& stream, const wire::Message& message, base::Fd fd) {
  const auto flag = [&](const char* name) {
    return message.number(name).value_or(0) != 0;
  };
  if (message.verb == verbs::kFile)
    stream.take_file(std::move(fd), std::string(message.get("path")),
                     std::string(message.get("error")));
  else if (message.verb == verbs::kRead && fd)
    stream.read(std::move(fd), message.number("lines").value_or(0), flag("follow"));
  else if (message.verb == verbs::kFresh)
    stream.refresh(flag("rotate") ? LogStream::Ask::rotate : LogStream::Ask::open);
  else if (message.verb == verbs::kEnd)
    stream.end();
}

void Logger::stream(const wire::Message& message, base::Fd pipe) {
  const auto id = message.number("id");
  if (!id) return;
  auto& known = streams_[*id];
  if (known) {
    known->configure(read_fields(message));
  } else if (pipe) {
    LogStream::Services services{
        loop_, tasks_, targets_,
        [this](uint64_t which, LogStream::Ask what) {
          const char* verb = what == LogStream::Ask::open ? verbs::kOpen : verbs::kRotate;
          control_->send(wire::Message{verb, {}}.set("id", which));
        },
        [this](uint64_t which) {
          streams_.erase(which);
          idle_.set();
        }};
    known = std::make_shared<LogStream>(std::move(services), *id, read_fields(message),
                                        std::move(pipe));
    known->start();
  } else {
    streams_.erase(*id);
    return;
  }
  known->epoch = epoch_;
}

int run_logger(std::string_view argument, base::Log& log) {
  int control = -1;
  std::from_chars(argument.data(), argument.data() + argument.size(), control);
  if (control < 0 || ::fcntl(control, F_SETFD, FD_CLOEXEC) != 0) {
    log.error("logger: it is started by the emperor");
    return 2;
  }
  // The terminal's keys and the service manager speak to the emperor; it tells us.
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
    ::signal(number, SIG_IGN);
  // It shares its user with others: none of them looks into the tenants' logs.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NAME, "logger");
  uvx::Loop loop;
  Logger self(loop, base::Fd(control), log);
  return loop.run(self.run());
}

}  // namespace emperor
