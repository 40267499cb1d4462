// The loop, its tasks, timers, polls and groups over real descriptors.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"

using namespace std::chrono_literals;
using uvx::Loop;
using uvx::Task;

namespace {

Task<int> answer() {
  co_return 42;
}

Task<int> sum(int n) {
  int total = 0;
  for (int i = 0; i < n; ++i)
    total += co_await answer();
  co_return total;
}

Task<std::string> read_some(Loop& loop, int fd, base::Deadline deadline) {
  uvx::Poll poll(loop, fd);
  const auto ready = co_await poll.readable(deadline);
  if (!ready) co_return ready.error().code.message();
  char buffer[16];
  const ssize_t n = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  co_return n < 0 ? "error" : std::string(buffer, static_cast<size_t>(n));
}

Task<void> write_later(Loop& loop, int fd, std::string text) {
  CHECK((co_await loop.sleep_for(2ms)).has_value());
  CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

Task<void> wait_readable(uvx::Poll& poll, std::vector<int>* errors) {
  const auto ready = co_await poll.readable();
  errors->push_back(ready ? 0 : ready.error().code.value());
}

Task<void> wait_writable(uvx::Poll& poll, std::vector<int>* errors) {
  const auto ready = co_await poll.writable();
  errors->push_back(ready ? 0 : ready.error().code.value());
}

Task<void> throwing() {
  throw std::runtime_error("stray");
  co_return;
}

Task<void> await_signal(uvx::SignalWatch& watch, bool* seen) {
  *seen = (co_await watch.next()).has_value();
}

Task<void> sleep_on_until(uvx::Timer& timer, base::Deadline deadline, int* error) {
  const auto slept = co_await timer.sleep_until(deadline);
  *error = slept ? 0 : slept.error().code.value();
}

Task<void> busy_for(Loop& loop, base::Duration duration) {
  co_await loop.yield();
  const auto end = base::Clock::now() + duration;
  while (base::Clock::now() < end) {
  }
}

Task<void> sleep_on(uvx::Timer& timer, int* error) {
  const auto slept = co_await timer.sleep_until(base::Deadline::never());
  *error = slept ? 0 : slept.error().code.value();
}

}  // namespace

TEST_SUITE("uv") {
  TEST_CASE("task: a child that never waits does not grow the stack") {
    Loop loop;
    CHECK(loop.run(sum(100000)) == 4200000);
  }

  TEST_CASE("task: a stray exception reaches the awaiter") {
    Loop loop;
    CHECK_THROWS_AS(loop.run(throwing()), std::runtime_error);
  }

  TEST_CASE("poll: wakes when bytes arrive") {
    Loop loop;
    auto pair = base::make_socketpair(SOCK_STREAM);
    REQUIRE(pair);
    uvx::TaskGroup group(loop);
    group.spawn(write_later(loop, pair->second.get(), "hello"));
    CHECK(loop.run(read_some(loop, pair->first.get(), base::Deadline::in(5s))) ==
          "hello");
    loop.run(group.join());
  }

  TEST_CASE("poll: a deadline is an error of its own") {
    Loop loop;
    auto pair = base::make_socketpair(SOCK_STREAM);
    REQUIRE(pair);
    CHECK(loop.run(read_some(loop, pair->first.get(), base::Deadline::in(3ms))) ==
          "Connection timed out");
  }

  TEST_CASE("poll: the peer's close wakes the reader") {
    Loop loop;
    auto pair = base::make_socketpair(SOCK_STREAM);
    REQUIRE(pair);
    pair->second.reset();
    CHECK(loop.run(read_some(loop, pair->first.get(), base::Deadline::in(5s))).empty());
  }

  TEST_CASE("poll: close wakes both sides and 200 waiters unwind") {
    Loop loop;
    uvx::TaskGroup group(loop);
    std::vector<base::FdPair> pairs;
    std::vector<std::unique_ptr<uvx::Poll>> polls;
    std::vector<int> errors;
    for (int i = 0; i < 200; ++i) {
      pairs.push_back(base::make_socketpair(SOCK_STREAM).value());
      polls.push_back(std::make_unique<uvx::Poll>(loop, pairs.back().first.get()));
      group.spawn(wait_readable(*polls.back(), &errors));
    }
    loop.run_ready();
    CHECK(errors.empty());
    for (auto& poll : polls)
      poll->close();
    loop.run(group.join());
    CHECK(errors == std::vector<int>(200, ECANCELED));
  }

  TEST_CASE("poll: one that nobody waits at costs libuv nothing, and can be closed") {
    Loop loop;
    auto pair = base::make_socketpair(SOCK_STREAM);
    REQUIRE(pair);
    {
      uvx::Poll watched(loop, pair->first.get());
      uvx::Poll closed(loop, pair->first.get());  // libuv would refuse a second one
      closed.close();
    }
    CHECK((::fcntl(pair->first.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pair->second.get(), F_GETFL) & O_NONBLOCK) == 0);
    uvx::Poll after(loop, pair->first.get());
    after.close();
    std::vector<int> errors;
    loop.run(wait_readable(after, &errors));
    CHECK(errors == std::vector<int>{ECANCELED});
  }

  TEST_CASE("poll: a reader and a writer wait on one descriptor") {
    Loop loop;
    auto pair = base::make_socketpair(SOCK_STREAM);
    REQUIRE(pair);
    uvx::Poll poll(loop, pair->first.get());
    uvx::TaskGroup group(loop);
    std::vector<int> errors;
    group.spawn(wait_readable(poll, &errors));
    group.spawn(wait_writable(poll, &errors));
    loop.run_ready();
    CHECK(errors == std::vector<int>{0});
    CHECK(group.size() == 1);
    poll.close();
    loop.run(group.join());
    CHECK(errors == std::vector<int>{0, ECANCELED});
  }

  TEST_CASE("timer: one that expires while others run does not wait for the next event") {
    Loop loop;
    uvx::Timer far(loop);  // what libuv would wait for instead
    uvx::TaskGroup group(loop);
    int error = -1;
    group.spawn(sleep_on_until(far, base::Deadline::in(5s), &error));
    const auto start = base::Clock::now();
    for (int i = 0; i < 50; ++i) {
      group.spawn(busy_for(loop, 2ms));
      CHECK(loop.run(loop.sleep_for(1ms)).has_value());
    }
    CHECK(base::Clock::now() - start < 4s);
    far.cancel();
    loop.run(group.join());
  }

  TEST_CASE("timer: cancel wakes the sleeper") {
    Loop loop;
    uvx::Timer timer(loop);
    uvx::TaskGroup group(loop);
    int error = -1;
    group.spawn(sleep_on(timer, &error));
    loop.run_ready();
    CHECK(error == -1);
    timer.cancel();
    loop.run(group.join());
    CHECK(error == ECANCELED);
  }

  TEST_CASE("signal: an arrival before the wait is not lost") {
    Loop loop;
    uvx::SignalWatch watch(loop, SIGUSR1);
    ::raise(SIGUSR1);
    loop.run_ready();
    bool seen = false;
    uvx::TaskGroup group(loop);
    group.spawn(await_signal(watch, &seen));
    loop.run(group.join());
    CHECK(seen);
  }
}
