#include "vassal/worker.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "vassal/crowd.h"
#include "vassal/journal.h"
#include "vassal/server.h"

namespace vassal {

namespace {

/// What the handler of SIGTERM and SIGHUP touches; the kernel hands it no argument of
/// ours.
struct {
  std::atomic<uint64_t>* leave = nullptr;
  int eventfd = -1;
} leave_signal;

void on_leave_signal(int) {
  const int saved = errno;
  leave_signal.leave->store(1);
  ::eventfd_write(leave_signal.eventfd, 1);
  errno = saved;
}

/// SIGTERM and SIGHUP: finish what is at hand. All others are as the application left
/// them.
void install_signals(std::atomic<uint64_t>& leave, int eventfd) {
  leave_signal = {&leave, eventfd};
  struct sigaction action{};
  action.sa_handler = on_leave_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGHUP, &action, nullptr);
}

class Worker final : private CrowdHost {
 public:
  Worker(const WorkerPlan& plan, base::Fd leave)
      : plan_(plan),
        bench_{plan.config,
               plan.runtime,
               plan.prefixes,
               plan.board,
               plan.board.line(plan.index),
               plan.master_poke,
               plan.index + 1,
               busy_},
        leave_(std::move(leave)) {
    const uint64_t delta = plan.config.max_requests_delta * plan.index;
    if (plan.config.max_requests != 0) last_ = plan.config.max_requests + delta;
  }

  int run();

 private:
  void run_threads();
  void run_thread(uint32_t thread);
  void run_crowd();
  void serve_until_left(Server& server, Intake& intake);
  void serve_one(Server& server, Arrival arrival);
  void wait(Intake& intake);
  void read_orders();
  void leave();
  void leave_by_itself();
  void count_served();

  void heed_call(int fd) override;
  bool leaving() const override {
    return plan_.page.leave.load(std::memory_order_relaxed) != 0;
  }
  void served() override { count_served(); }
  void turned() override { plan_.page.turns.fetch_add(1, std::memory_order_relaxed); }
  void cannot_take(int error) override;

  const WorkerPlan& plan_;
  std::atomic<uint32_t> busy_ = 0;
  Bench bench_;
  base::Fd leave_;  // eventfd, readable once the worker shall leave; never read
  std::atomic<uint64_t> served_ = 0;
  std::atomic<int> exit_code_ = 0;
  uint64_t last_ = UINT64_MAX;
};

void Worker::leave() {
  plan_.page.leave = 1;
  ::eventfd_write(leave_.get(), 1);
}

/// The master bounds how long it takes: what is at hand may never end.
void Worker::leave_by_itself() {
  if (!leaving())
    ::send(plan_.orders, order::kLeaves.data(), order::kLeaves.size(),
           MSG_DONTWAIT | MSG_NOSIGNAL);
  leave();
}

void Worker::read_orders() {
  std::array<char, 64> text;
  for (;;) {
    const ssize_t n = ::recv(plan_.orders, text.data(), text.size(), MSG_DONTWAIT);
    if (n < 0) return;
    const std::string_view word(text.data(), static_cast<size_t>(n));
    if (word.empty() || word == order::kDrain) return leave();
  }
}

void Worker::wait(Intake& intake) {
  void* token = plan_.runtime != nullptr ? plan_.runtime->release() : nullptr;
  const int call = intake.sleep();
  if (plan_.runtime != nullptr) plan_.runtime->acquire(token);
  heed_call(call);
}

void Worker::heed_call(int fd) {
  if (fd == plan_.orders)
    read_orders();
  else if (fd == leave_.get())
    plan_.page.leave = 1;
}

void Worker::count_served() {
  if (served_.fetch_add(1, std::memory_order_relaxed) + 1 >= last_) leave_by_itself();
}

void Worker::serve_one(Server& server, Arrival arrival) {
  server.serve(std::move(arrival));
  count_served();
}

void Worker::cannot_take(int error) {
  say(Level::error, std::string("worker cannot take connections, it is replaced: ") +
                        std::strerror(error));
  exit_code_ = 1;
  leave_by_itself();
}

void Worker::serve_until_left(Server& server, Intake& intake) {
  while (!leaving()) {
    if (intake.promising()) {
      if (auto arrival = intake.try_take(server.buffer())) {
        serve_one(server, std::move(*arrival));
        continue;
      }
    }
    if (intake.error() != 0) return cannot_take(intake.error());
    server.log().flush();
    wait(intake);
  }
  if (auto arrival = intake.take_last(server.buffer())) server.serve(std::move(*arrival));
  server.log().flush();
}

void Worker::run_thread(uint32_t thread) {
  std::vector<int> calls{leave_.get()};
  if (thread == 0) calls.push_back(plan_.orders);
  auto intake = Intake::open(plan_.sockets, calls);
  if (!intake) {
    say(Level::error, "worker cannot wait for connections: " + intake.error().message());
    exit_code_ = 1;
    return leave();
  }
  Server server(bench_, plan_.page.pulses[thread]);
  serve_until_left(server, *intake);
}

/// One thread and the event loop of the application.
void Worker::run_crowd() {
  auto intake = Intake::open(plan_.sockets, {});
  const std::array<int, 2> calls{leave_.get(), plan_.orders};
  auto crowd = intake ? Crowd::open(bench_, *intake, *this, calls, plan_.page.pulses[0])
                      : std::unexpected(intake.error());
  if (!crowd) {
    say(Level::error, "worker cannot wait for connections: " + crowd.error().message());
    exit_code_ = 1;
    return;
  }
  plan_.runtime->serve(**crowd);
  set_state(bench_.line, wire::WorkerState::leaving, base::to_wire(base::Clock::now()));
}

void Worker::run_threads() {
  const uint32_t count = std::min(plan_.config.threads, WorkerPage::kMaxThreads);
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < count; ++i) {
    threads.emplace_back([this, i] {
      if (plan_.runtime != nullptr) plan_.runtime->enter_thread();
      run_thread(i);
      if (plan_.runtime != nullptr) plan_.runtime->leave_thread();
    });
  }
  run_thread(0);
  set_state(bench_.line, wire::WorkerState::leaving, base::to_wire(base::Clock::now()));
  void* token = plan_.runtime != nullptr ? plan_.runtime->release() : nullptr;
  for (std::thread& thread : threads)
    thread.join();
  if (plan_.runtime != nullptr) plan_.runtime->acquire(token);
}

int Worker::run() {
  install_signals(plan_.page.leave, leave_.get());
  set_state(bench_.line, wire::WorkerState::idle, base::to_wire(base::Clock::now()));
  if (plan_.runtime != nullptr && plan_.runtime->many_at_once())
    run_crowd();
  else
    run_threads();
  if (plan_.runtime != nullptr) plan_.runtime->finish();
  return exit_code_;
}

}  // namespace

int run_worker(const WorkerPlan& plan) {
  base::Fd leave(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!leave) return 1;
  return Worker(plan, std::move(leave)).run();
}

}  // namespace vassal
