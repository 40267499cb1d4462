// Two loops in two threads wait for the same descriptor: who wakes?
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "base/uv/poll.h"
#include "tests/support/thread_status.h"

using uvx::Poll;

namespace {

struct Shared {
  base::Fd events{::eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)};
  std::atomic<int> taken = 0;
  std::atomic<bool> ending = false;

  void post() const {
    const uint64_t one = 1;
    if (::write(events.get(), &one, sizeof(one)) != sizeof(one)) std::abort();
  }
  bool take() const {
    uint64_t one = 0;
    return ::read(events.get(), &one, sizeof(one)) == sizeof(one);
  }
};

uvx::Task<void> take_all(uvx::Loop& loop, Shared& shared, Poll::Wakes wakes) {
  Poll poll(loop, shared.events.get(), wakes);
  while (!shared.ending) {
    static_cast<void>(co_await poll.readable());
    if (shared.take()) ++shared.taken;
  }
  shared.post();  // for the one whom the last event did not wake
}

class WaitingThread {
 public:
  WaitingThread(Shared& shared, Poll::Wakes wakes)
      : thread_([this, &shared, wakes] {
          id_ = support::thread_id();
          uvx::Loop loop;
          loop.run(take_all(loop, shared, wakes));
        }) {}
  ~WaitingThread() { thread_.join(); }
  WaitingThread(const WaitingThread&) = delete;
  WaitingThread& operator=(const WaitingThread&) = delete;

  bool sleeps() const { return support::sleeps(id_); }
  /// How often it went to sleep so far.
  int slept() const {
    return std::stoi(support::thread_status(id_, "voluntary_ctxt_switches:"));
  }

 private:
  std::atomic<int> id_ = 0;
  std::thread thread_;
};

/// How often somebody woke in 50 events, each sent when both slept.
int wakes_for_50(Poll::Wakes wakes) {
  Shared shared;
  WaitingThread first(shared, wakes), second(shared, wakes);
  const auto slept = [&] {
    return first.slept() + second.slept();
  };
  const auto wait_until_taken = [&](int n) {
    while (shared.taken < n || !first.sleeps() || !second.sleeps())
      std::this_thread::yield();
  };
  int before = 0;
  for (int i = 0; i < 60; ++i) {
    wait_until_taken(i);
    if (i == 10) before = slept();
    shared.post();
  }
  wait_until_taken(60);
  const int woke = slept() - before;
  shared.ending = true;
  shared.post();
  return woke;
}

}  // namespace

TEST_SUITE("uv") {
  TEST_CASE("poll: an event wakes one of those who share it") {
    // A thread may sleep for another reason, too, or be seen asleep a moment early.
    CHECK(wakes_for_50(Poll::Wakes::one) <= 65);
    CHECK(wakes_for_50(Poll::Wakes::all) >= 85);
  }

  TEST_CASE("poll: an event that nobody waits for is told to the next who waits") {
    uvx::Loop loop;
    const Shared shared;
    Poll poll(loop, shared.events.get(), Poll::Wakes::one);
    shared.post();  // and nobody ever takes it
    for (int i = 0; i < 3; ++i) {
      CHECK(loop.run(poll.readable(base::Deadline::in(std::chrono::seconds(5)))));
      loop.run_ready();
    }
    poll.close();
    CHECK_FALSE(loop.run(poll.readable()));
  }
}
