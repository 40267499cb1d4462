#include "base/uv/poll.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <uv.h>

namespace uvx {

struct Poll::State {
  uv_poll_t handle;
  uv_timer_t timer;  // one for both directions: fires at the nearer deadline
  Loop* loop;
  int fd;
  Waiter* reader = nullptr;
  Waiter* writer = nullptr;
  base::Deadline read_deadline;
  base::Deadline write_deadline;
  int open_handles = 0;  ///< 0: nobody ever waited, libuv knows nothing of it
  int armed = 0;         ///< what is watched now: at least wanted()
  Wakes wakes = Wakes::all;
  bool exclusive = false;  ///< the entry in libuv's epoll is ours, see claim_entry()
  bool closed = false;
  bool orphan = false;  ///< the Poll is gone

  /// The kernel knows no exclusive EPOLLRDHUP.
  int wanted_by_reader() const {
    return wakes == Wakes::one ? UV_READABLE : UV_READABLE | UV_DISCONNECT;
  }
  int wanted() const {
    return (reader != nullptr ? wanted_by_reader() : 0) |
           (writer != nullptr ? UV_WRITABLE : 0);
  }

  void wake(Waiter*& side, int error) const {
    if (side == nullptr) return;
    side->error = error;
    loop->make_ready(std::exchange(side, nullptr)->handle);
  }

  /// Makes the handles: only for who waits, since it costs three system calls.
  void open() {
    if (open_handles != 0) return;
    if (const int error = uv_poll_init(loop->raw(), &handle, fd); error != 0) {
      std::fprintf(stderr, "uvx: uv_poll_init of descriptor %d: %s\n", fd,
                   uv_strerror(error));
      std::abort();
    }
    uv_timer_init(loop->raw(), &timer);
    handle.data = this;
    timer.data = this;
    open_handles = 2;
  }

  /// Stops watching at once; the state goes once libuv has let go of both handles.
  void close_handles() {
    const auto closed_one = [](uv_handle_t* h) {
      auto* state = static_cast<State*>(h->data);
      if (--state->open_handles == 0 && state->orphan) delete state;
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), closed_one);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), closed_one);
  }

  /// Events stay watched after a wake-up until one comes that nobody waits for: a
  /// descriptor that is waited for again and again then costs no system calls.
  void rearm() {
    if (closed) return;
    if ((wanted() & ~armed) != 0) arm(armed | wanted());
    rearm_timer();
  }

  void arm(int events) {
    armed = events;
    if (exclusive) return enter(events != 0 ? EPOLL_CTL_ADD : EPOLL_CTL_DEL);
    if (events == 0) {
      uv_poll_stop(&handle);
      return;
    }
    uv_poll_start(&handle, events, [](uv_poll_t* p, int status, int events_now) {
      static_cast<State*>(p->data)->on_ready(status, events_now);
    });
    if (wakes == Wakes::one) claim_entry();
  }

  /// libuv has no EPOLLEXCLUSIVE, and an epoll of our own inside libuv's would wake every
  /// process all the same (nobody waits in the inner one itself). So the entry that libuv
  /// makes is made again, as an exclusive one; libuv, which hears of the event by the
  /// number of the descriptor, goes on as if it were its own.
  void claim_entry() {
    loop->carry_out();
    enter(EPOLL_CTL_DEL);
    exclusive = true;
    enter(EPOLL_CTL_ADD);
  }

  void enter(int operation) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    event.data.fd = fd;
    if (::epoll_ctl(uv_backend_fd(loop->raw()), operation, fd, &event) == 0) return;
    if (operation == EPOLL_CTL_DEL) return;  // it is out, whatever the reason
    // As libuv does: a process that would never hear of it again is better replaced.
    std::fprintf(stderr, "uvx: epoll_ctl of descriptor %d: %s\n", fd,
                 std::strerror(errno));
    std::abort();
  }

  void rearm_timer() {
    base::Instant nearest = base::Instant::max();
    if (reader != nullptr) nearest = std::min(nearest, read_deadline.at());
    if (writer != nullptr) nearest = std::min(nearest, write_deadline.at());
    if (nearest == base::Instant::max()) {
      uv_timer_stop(&timer);
      return;
    }
    const auto left = nearest - base::Clock::now();
    const auto ms =
        std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count());
    uv_update_time(timer.loop);
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<State*>(t->data)->on_timer(); },
        static_cast<uint64_t>(ms), 0);
  }

  void on_ready(int status, int events) {
    if (status < 0) {  // libuv has stopped watching, and knows nothing of our entry
      armed = 0;
      if (exclusive) enter(EPOLL_CTL_DEL);
      exclusive = false;
    }
    const bool surplus = (events & ~wanted()) != 0;
    // On a broken descriptor (status < 0) both wake: the system call names the error.
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0) wake(reader, 0);
    if (status < 0 || (events & (UV_WRITABLE | UV_DISCONNECT)) != 0) wake(writer, 0);
    if (surplus) arm(wanted());
    rearm_timer();
  }

  void on_timer() {
    const auto now = base::Clock::now();
    if (read_deadline.passed(now)) wake(reader, ETIMEDOUT);
    if (write_deadline.passed(now)) wake(writer, ETIMEDOUT);
    rearm();
  }
};

namespace {

struct PollAwaiter {
  Poll::State* state;
  Waiter* Poll::State::* side;
  base::Deadline Poll::State::* deadline_of;
  base::Deadline deadline;
  Waiter waiter{};

  bool await_ready() const noexcept { return state->closed; }
  void await_suspend(std::coroutine_handle<> h) {
    waiter.handle = h;
    if (state->*side != nullptr) {
      std::fputs("uvx: two coroutines wait for the same side of a descriptor\n", stderr);
      std::abort();
    }
    state->*side = &waiter;
    state->*deadline_of = deadline;
    state->open();
    state->rearm();
  }
  int await_resume() const noexcept {
    return waiter.error != 0 ? waiter.error : state->closed ? ECANCELED : 0;
  }
};

Task<base::Result<>> wait_for(PollAwaiter awaiter) {
  const int error = co_await awaiter;
  if (error != 0) co_return base::fail(error, "wait for descriptor");
  co_return base::Result<>{};
}

}  // namespace

Poll::Poll(Loop& loop, int fd, Wakes wakes) : state_(new State{}) {
  state_->loop = &loop;
  state_->wakes = wakes;
  state_->fd = fd;
  const int yes = 1;
  static_cast<void>(::ioctl(fd, FIONBIO, &yes));
}

/// The kernel asks in the order in which they entered (add_wait_queue_exclusive).
void Poll::step_back() {
  if (state_->exclusive && state_->armed != 0 && !state_->closed) state_->arm(0);
}

Poll::~Poll() {
  close();
  state_->orphan = true;
  if (state_->open_handles == 0) delete state_;
}

void Poll::close() {
  if (state_->closed) return;
  state_->closed = true;
  if (state_->open_handles != 0) state_->close_handles();
  state_->wake(state_->reader, ECANCELED);
  state_->wake(state_->writer, ECANCELED);
}

Task<base::Result<>> Poll::readable(base::Deadline deadline) {
  return wait_for({state_, &State::reader, &State::read_deadline, deadline});
}

Task<base::Result<>> Poll::writable(base::Deadline deadline) {
  return wait_for({state_, &State::writer, &State::write_deadline, deadline});
}

}  // namespace uvx
