#include "base/uv/loop.h"

#include <cstdio>
#include <cstdlib>

#include <uv.h>

namespace uvx {

// ---- timers
// -----------------------------------------------------------------------------------

struct Timer::State {
  uv_timer_t handle;
  Loop* loop;
  Waiter* sleeper = nullptr;

  void wake(int error) {
    if (sleeper == nullptr) return;
    sleeper->error = error;
    loop->make_ready(std::exchange(sleeper, nullptr)->handle);
  }
};

namespace {

/// Milliseconds until `at`, rounded up so that a timer never fires early.
uint64_t milliseconds_until(base::Instant at) {
  const auto left = at - base::Clock::now();
  if (left <= base::Duration::zero()) return 0;
  return static_cast<uint64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

struct TimerAwaiter {
  Timer::State* state;
  base::Deadline deadline;
  Waiter waiter{};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    waiter.handle = h;
    if (state->sleeper != nullptr) std::abort();  // one sleeper at a time
    state->sleeper = &waiter;
    if (deadline.is_never()) return;
    uv_update_time(state->handle.loop);
    uv_timer_start(
        &state->handle,
        [](uv_timer_t* t) { static_cast<Timer::State*>(t->data)->wake(0); },
        milliseconds_until(deadline.at()), 0);
  }
  int await_resume() const noexcept { return waiter.error; }
};

}  // namespace

Timer::Timer(Loop& loop) : state_(new State{}) {
  state_->loop = &loop;
  uv_timer_init(loop.raw(), &state_->handle);
  state_->handle.data = state_;
}

Timer::~Timer() {
  cancel();
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
           [](uv_handle_t* h) { delete static_cast<State*>(h->data); });
}

void Timer::cancel() {
  uv_timer_stop(&state_->handle);
  state_->wake(ECANCELED);
}

Task<base::Result<>> Timer::sleep_until(base::Deadline deadline) {
  const int error = co_await TimerAwaiter{state_, deadline};
  if (error != 0) co_return base::fail(error, "sleep");
  co_return base::Result<>{};
}

// ---- signals
// ----------------------------------------------------------------------------------

struct SignalWatch::State {
  uv_signal_t handle;
  Loop* loop;
  Waiter* waiter = nullptr;
  unsigned arrived = 0;
  bool closed = false;

  void wake(int error) {
    if (waiter == nullptr) return;
    waiter->error = error;
    loop->make_ready(std::exchange(waiter, nullptr)->handle);
  }
};

namespace {

struct SignalAwaiter {
  SignalWatch::State* state;
  Waiter waiter{};

  bool await_ready() const noexcept { return state->arrived > 0 || state->closed; }
  void await_suspend(std::coroutine_handle<> h) {
    waiter.handle = h;
    if (state->waiter != nullptr) std::abort();  // one waiter at a time
    state->waiter = &waiter;
  }
  int await_resume() const noexcept { return state->closed ? ECANCELED : waiter.error; }
};

}  // namespace

SignalWatch::SignalWatch(Loop& loop, int signal_number) : state_(new State{}) {
  state_->loop = &loop;
  uv_signal_init(loop.raw(), &state_->handle);
  state_->handle.data = state_;
  uv_signal_start(
      &state_->handle,
      [](uv_signal_t* s, int) {
        auto* state = static_cast<State*>(s->data);
        ++state->arrived;
        state->wake(0);
      },
      signal_number);
}

SignalWatch::~SignalWatch() {
  close();
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
           [](uv_handle_t* h) { delete static_cast<State*>(h->data); });
}

void SignalWatch::close() {
  state_->closed = true;
  uv_signal_stop(&state_->handle);
  state_->wake(ECANCELED);
}

Task<base::Result<>> SignalWatch::next() {
  const int error = co_await SignalAwaiter{state_};
  if (error != 0) co_return base::fail(error, "wait for a signal");
  state_->arrived = 0;
  co_return base::Result<>{};
}

// ---- the loop
// ---------------------------------------------------------------------------------

/// libuv fires timers just before it waits: what they made ready would wait with it. An
/// idle handle that is active makes it only look.
struct Loop::Stopper {
  uv_prepare_t before_wait;
  uv_idle_t no_wait;

  explicit Stopper(Loop& loop) {
    uv_prepare_init(loop.raw(), &before_wait);
    uv_idle_init(loop.raw(), &no_wait);
    before_wait.data = &loop;
    uv_prepare_start(&before_wait, [](uv_prepare_t* prepare) {
      auto* owner = static_cast<Loop*>(prepare->data);
      if (!owner->ready_.empty())
        uv_idle_start(&owner->stopper_->no_wait, [](uv_idle_t*) {});
    });
  }
  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&before_wait), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&no_wait), nullptr);
  }
};

Loop::Loop() : loop_(std::make_unique<uv_loop_s>()) {
  if (const int error = uv_loop_init(loop_.get()); error != 0) {
    std::fprintf(stderr, "uvx: uv_loop_init: %s\n", uv_strerror(error));
    std::abort();
  }
  stopper_ = std::make_unique<Stopper>(*this);
}

Loop::~Loop() {
  run_ready();
  stopper_->close();
  uv_run(loop_.get(), UV_RUN_NOWAIT);  // close callbacks
  if (uv_loop_close(loop_.get()) == 0) return;
  std::fputs("uvx: a handle outlived its loop\n", stderr);
  uv_print_all_handles(loop_.get(), stderr);
  std::abort();
}

void Loop::resume_ready() {
  for (size_t n = ready_.size(); n > 0; --n) {
    const auto handle = ready_.front();
    ready_.pop_front();
    handle.resume();
  }
}

void Loop::look(Look mode) {
  const bool may_wait = mode == Look::wait && ready_.empty();
  uv_run(loop_.get(), may_wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  uv_idle_stop(&stopper_->no_wait);
}

void Loop::run_ready() {
  do {
    resume_ready();
    look(Look::no_wait);
  } while (!ready_.empty());
}

Task<base::Result<>> Loop::sleep_until(base::Deadline deadline) {
  Timer timer(*this);
  co_return co_await timer.sleep_until(deadline);
}

}  // namespace uvx
