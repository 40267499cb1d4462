// Loop: one libuv loop with a ready queue, timers and signals for coroutines.
//
// Everything that wakes a coroutine goes through make_ready() and is resumed from the top
// of the stack. ~Loop closes the libuv loop and requires that no handle was leaked.
#pragma once

#include <coroutine>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "base/uv/task.h"

struct uv_loop_s;  // NOLINT(readability-identifier-naming): libuv's name

namespace uvx {

class Loop;

/// What a waiting coroutine leaves behind: woken once, with an errno (0 = what it waited
/// for).
struct Waiter {
  std::coroutine_handle<> handle;
  int error = 0;
};

/// A timer that many deadlines can share: `co_await timer.sleep_until(...)`. One sleeper
/// at a time.
class Timer {
 public:
  explicit Timer(Loop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// ECANCELED if close() or cancel() came first; a deadline that never comes waits for
  /// those.
  Task<base::Result<>> sleep_until(base::Deadline deadline);
  /// Wakes the sleeper early with ECANCELED; the timer can be used again.
  void cancel();

  struct State;  // owned by libuv until its close callback
 private:
  State* state_;
};

/// A signal (signal(7)) as something to wait for; counts arrivals between waits.
class SignalWatch {
 public:
  SignalWatch(Loop& loop, int signal_number);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The next arrival (or one since the last wait). ECANCELED after close().
  Task<base::Result<>> next();
  void close();

  struct State;

 private:
  State* state_;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until `task` has finished and gives its value. Other tasks go on meanwhile.
  template <class T>
  T run(Task<T> task) {
    task.start();
    while (!task.done()) {
      resume_ready();
      if (!task.done()) look(Look::wait);
    }
    return task.take();
  }
  /// Runs until nothing is left to do without waiting (tests: "has not answered yet").
  void run_ready();

  /// Resumes `handle` from the top of the stack, after everything queued before.
  void make_ready(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  /// Steps aside: the awaiter goes on after everything that is ready now and one look at
  /// the kernel.
  auto yield() {
    struct Awaiter {
      Loop& loop;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) const { loop.make_ready(h); }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }
  /// Has libuv do at once what it puts off until it looks at the kernel: watching.
  void carry_out() { look(Look::no_wait); }
  Task<base::Result<>> sleep_until(base::Deadline deadline);
  Task<base::Result<>> sleep_for(base::Duration d) {
    return sleep_until(base::Deadline::in(d));
  }

  uv_loop_s* raw() { return loop_.get(); }

 private:
  enum class Look { wait, no_wait };
  /// Resumes what is ready now, but not what becomes ready by that.
  void resume_ready();
  /// Lets libuv look at the kernel, and wait there if nothing is ready.
  void look(Look mode);

  struct Stopper;  // keeps libuv from waiting while a coroutine is ready
  std::unique_ptr<uv_loop_s> loop_;
  std::unique_ptr<Stopper> stopper_;
  std::deque<std::coroutine_handle<>> ready_;
};

}  // namespace uvx
