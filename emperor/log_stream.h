// LogStream: one vassal's log in the logger, from its pipe to its file and other places.
//
// Always reads, so that the application never waits for a disk: what there is no room for
// (rate, full disk, no file) is dropped and counted. Its file is opened and put away by
// the emperor, who is asked for it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "emperor/log_lines.h"
#include "emperor/log_reader.h"
#include "emperor/log_settings.h"
#include "emperor/log_targets.h"
#include "emperor/wake.h"

namespace emperor {

/// Shared between the logger and its coroutine, which ends soon after end() or leave(),
/// or at the end of the pipe.
class LogStream : public std::enable_shared_from_this<LogStream> {
 public:
  enum class Ask { open, rotate };
  struct Services {
    uvx::Loop& loop;
    uvx::TaskGroup& tasks;
    LogTargets& targets;
    std::function<void(uint64_t id, Ask what)> ask;
    std::function<void(uint64_t id)> over;
  };
  LogStream(Services services, uint64_t id, LogSettings settings, base::Fd pipe);

  void start();
  void configure(LogSettings settings);
  /// The answer to what was asked; empty: there is none, for that reason.
  void take_file(base::Fd file, const std::string& path, const std::string& why_not);
  /// Asks for another file beside the one it has, unless it just got it.
  void refresh(Ask what);
  void read(base::Fd client, size_t lines, bool follow);
  /// Writes what is in its pipe now, and ends.
  void end();
  /// Ends without that: the pipe goes to another logger.
  void leave();

  uint64_t epoch = 0;  ///< for the logger: when it was named last

 private:
  struct Reading {
    std::shared_ptr<LogReader> reader;
    size_t lines;
    bool follow;
  };
  static uvx::Task<void> run(std::shared_ptr<LogStream> self);
  enum class Got { nothing, some, much, end };
  Got read_pipe();
  size_t in_pipe() const;
  void add_line(std::string_view line);
  bool put(std::string_view line, WallClock::time_point today);
  void drop(const char* why);
  void tell_dropped(base::Instant now, WallClock::time_point today);
  void write_out();
  void ask(Ask what);
  void show(const Reading& reading);
  void answer_waiting(const std::string& why_not);
  bool unsettled() const;
  void settle();
  uvx::Task<void> wait_for_file();
  void finish();

  Services s_;
  uint64_t id_;
  LogSettings settings_;
  base::Fd pipe_;
  uvx::Poll poll_;
  LineSplitter splitter_;
  LineEncoder encoder_;
  LogRate rate_;
  FileFacts facts_;
  base::Fd file_;
  base::Fd before_;  // the one that was put away last, for those who read the end
  base::Instant asked_at_;
  Ask asked_for_ = Ask::open;
  std::string out_;  // encoded, on its way to the file
  size_t out_lines_ = 0;
  bool torn_ = false;  // the file ends within a line
  uint64_t dropped_ = 0;
  const char* dropped_why_ = "";
  base::Instant told_;
  std::vector<std::shared_ptr<LogReader>> followers_;
  std::vector<Reading> waiting_;  // for the file
  bool ending_ = false;
  size_t last_turns_ = 0;  // of reading, once it ends
};

}  // namespace emperor
