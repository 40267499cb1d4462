// Control: the router's end of the channel from the emperor (base/wire/router_control.h).
//
// Reads messages and calls a ControlTarget; sends what the router has to say, in order,
// keeping what the channel cannot take yet.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "base/wire/message.h"

namespace router {

/// What the emperor can ask of a router.
class ControlTarget {
 public:
  virtual ~ControlTarget() = default;
  virtual void on_message(const wire::Message& message, std::vector<base::Fd> fds) = 0;
  /// The channel ended: nobody will ever say anything more.
  virtual void on_control_end() = 0;
};

class Control {
 public:
  Control(uvx::Loop& loop, base::Log& log, base::Fd channel, ControlTarget& target);

  /// Reads until the end of the channel or close().
  uvx::Task<void> run();
  /// Sends, now or as soon as there is room.
  void send(const wire::Message& message);
  /// Waits until all is sent, or the deadline.
  uvx::Task<void> flushed(base::Deadline deadline);
  void close() { poll_.close(); }

 private:
  uvx::Task<void> flush();

  uvx::Loop& loop_;
  base::Log& log_;
  base::Fd channel_;
  uvx::Poll poll_;
  ControlTarget& target_;
  uvx::TaskGroup flushing_;
  std::deque<std::string> unsent_;
};

}  // namespace router
