// TaskGroup: the root of tasks that nobody awaits. It owns them until they finish; join()
// waits for all. A stray exception in a root is logged to stderr and aborts: restarts are
// cheap.
#pragma once

#include <coroutine>

#include "base/uv/loop.h"
#include "base/uv/task.h"

namespace uvx {

class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) : loop_(loop) {}
  ~TaskGroup();  ///< all tasks must have finished (join first)
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` at once, on the caller's stack until its first wait.
  void spawn(Task<void> task);
  size_t size() const { return running_; }
  /// Waits until every task has finished, those spawned meanwhile included. One joiner at
  /// a time.
  Task<void> join();

 private:
  struct Root;
  static Root run_root(TaskGroup* group, Task<void> task);
  void finished();

  Loop& loop_;
  size_t running_ = 0;
  std::coroutine_handle<> joiner_;
};

}  // namespace uvx
