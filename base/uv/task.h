// Task<T>: a coroutine that is awaited by exactly one other, or rooted in a TaskGroup.
//
// A task starts when it is first awaited and runs on its awaiter's stack until it
// suspends; a child that finishes without suspending never suspends its awaiter
// (symmetric transfer). Resumption after waiting always comes from the top of the loop
// (Loop::make_ready), so no coroutine runs on top of another's stack frame. Cancel by
// closing what the task waits for, never by destroying a suspended frame. Arguments by
// value, or references that outlive the group; no lambda coroutines.
#pragma once

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

namespace uvx {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> done) const noexcept {
    const auto waiter = done.promise().waiter;
    return waiter ? waiter : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> waiter;
  std::exception_ptr stray;  // tasks return Result and do not throw on purpose

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { stray = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (stray) std::rethrow_exception(stray);
    if (!value) std::abort();  // taken before the task ended
    return *std::move(value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const {
    if (stray) std::rethrow_exception(stray);
  }
};

}  // namespace detail

/// Owns a coroutine frame. Await it once: `co_await std::move(task)` or `co_await
/// make_task()`.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (!handle_) return;
    if (started_ && !handle_.done()) {
      std::fputs("uvx: a suspended task was destroyed: close what it waits for instead\n",
                 stderr);
      std::abort();
    }
    handle_.destroy();
  }

  bool done() const { return handle_ && handle_.done(); }
  bool started() const { return started_; }

  auto operator co_await() && {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return handle.done(); }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<> waiter) const noexcept {
        handle.promise().waiter = waiter;
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    started_ = true;
    return Awaiter{handle_};
  }

  /// For roots only (TaskGroup, Loop::run): runs until the first suspension.
  void start() {
    started_ = true;
    handle_.resume();
  }
  /// The value of a finished root; rethrows what it threw.
  T take() { return handle_.promise().take(); }

 private:
  Handle handle_;
  bool started_ = false;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace uvx
