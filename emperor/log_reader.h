// LogReader: one who reads a vassal's log over a socket (emperorctl logs). Takes text,
// sends it as fast as it is read, and leaves out what a slow reader has no room for.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "emperor/wake.h"

namespace emperor {

/// Shared between its log and its coroutines; each lets go after close() or when the
/// other side hangs up.
class LogReader : public std::enable_shared_from_this<LogReader> {
 public:
  LogReader(uvx::Loop& loop, base::Fd client)
      : client_(std::move(client)), poll_(loop, client_.get()), wake_(loop) {}

  void start(uvx::TaskGroup& tasks);
  void send(std::string_view lines);
  /// Ends it once everything was sent.
  void finish();
  bool gone() const { return gone_; }

 private:
  static uvx::Task<void> write(std::shared_ptr<LogReader> self);
  static uvx::Task<void> notice_end(std::shared_ptr<LogReader> self);
  void close();

  base::Fd client_;
  uvx::Poll poll_;
  Wake wake_;
  std::string waiting_ = "{\"ok\":true}\n";  // the head of every answer
  bool left_out_ = false;
  bool finishing_ = false;
  bool gone_ = false;
};

/// The last `count` lines of an open file, read from its end with bounds.
std::string last_lines(int fd, size_t count);

}  // namespace emperor
