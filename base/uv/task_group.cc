#include "base/uv/task_group.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace uvx {

/// A root frame: destroys itself when its task is done.
struct TaskGroup::Root {
  struct promise_type {  // NOLINT(readability-identifier-naming): the language's name
    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {
      try {
        throw;
      } catch (const std::exception& e) {
        std::fprintf(stderr, "uvx: a task threw: %s\n", e.what());
      } catch (...) {
        std::fputs("uvx: a task threw\n", stderr);
      }
      std::abort();
    }
  };
};

TaskGroup::~TaskGroup() {
  if (running_ == 0) return;
  std::fputs("uvx: a task group was destroyed with tasks running\n", stderr);
  std::abort();
}

TaskGroup::Root TaskGroup::run_root(TaskGroup* group, Task<void> task) {
  {
    Task<void> mine = std::move(task);
    co_await std::move(mine);
  }
  group->finished();
}

void TaskGroup::spawn(Task<void> task) {
  ++running_;
  run_root(this, std::move(task));
}

void TaskGroup::finished() {
  if (--running_ == 0 && joiner_) loop_.make_ready(std::exchange(joiner_, nullptr));
}

namespace {
struct JoinAwaiter {
  std::coroutine_handle<>& joiner;
  bool nothing_left;
  bool await_ready() const noexcept { return nothing_left; }
  void await_suspend(std::coroutine_handle<> h) const { joiner = h; }
  void await_resume() const noexcept {}
};
}  // namespace

Task<void> TaskGroup::join() {
  while (running_ > 0)
    co_await JoinAwaiter{joiner_, running_ == 0};
}

}  // namespace uvx
