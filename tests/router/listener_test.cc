// Two listeners at one socket, as in two router processes.
#include "router/listener.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/uv/task_group.h"
#include "tests/support/thread_status.h"

using namespace std::chrono_literals;
using router::Listener;
using Sharing = router::Listener::Sharing;

namespace {

struct Guests final : router::Reception {
  void arrived(base::Fd connection, base::Instant) override {
    taken.push_back(std::move(connection));
  }
  bool has_room() const override { return room; }

  std::vector<base::Fd> taken;
  bool room = true;
};

struct Door {
  Door() {
    sockaddr_un any{};
    any.sun_family = AF_UNIX;  // without a name: the kernel finds an abstract one
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any),
                   sizeof(any.sun_family)) == 0);
    REQUIRE(::listen(socket.get(), 128) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) ==
            0);
  }
  base::Fd knock() const {
    base::Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size) ==
            0);
    return client;
  }

  base::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  socklen_t size = sizeof(address);
};

struct Pair {
  explicit Pair(Sharing of_one, Sharing of_other)
      : one(loop, log, *base::duplicate(door.socket.get()), of_one, at_one),
        other(loop, log, *base::duplicate(door.socket.get()), of_other, at_other) {
    tasks.spawn(one.run());
    tasks.spawn(other.run());
    loop.run_ready();
  }
  ~Pair() {
    one.close();
    other.close();
    loop.run(tasks.join());
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// Somebody connects while the loop waits in the kernel: only then does that choose
  /// whom it wakes. Whether one of the two took it.
  bool visit() {
    const size_t before = taken();
    std::thread visitor([this, here = support::thread_id()] {
      while (!support::sleeps(here))
        std::this_thread::yield();
      clients.push_back(door.knock());
    });
    static_cast<void>(loop.run(wait_for(before + 1)));
    visitor.join();
    return taken() == before + 1;
  }
  size_t taken() const { return at_one.taken.size() + at_other.taken.size(); }
  uvx::Task<void> wait_for(size_t n) {
    const auto end = base::Deadline::in(5s);
    while (taken() < n && !end.passed())
      static_cast<void>(co_await loop.sleep_for(10ms));
  }

  Door door;
  uvx::Loop loop;
  base::Log log = base::Log::silent();
  uvx::TaskGroup tasks{loop};
  Guests at_one, at_other;
  std::vector<base::Fd> clients;
  Listener one, other;
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("listener: the first takes what comes one by one") {
    Pair pair(Sharing::first, Sharing::helper);
    for (int i = 0; i < 20; ++i)
      REQUIRE(pair.visit());
    CHECK(pair.at_one.taken.size() >= 15);  // a thread may be seen asleep too early
  }

  TEST_CASE("listener: connections that stay go to one after the other") {
    Pair pair(Sharing::in_turn, Sharing::in_turn);
    for (int i = 0; i < 20; ++i)
      REQUIRE(pair.visit());
    CHECK(pair.at_one.taken.size() >= 5);
    CHECK(pair.at_other.taken.size() >= 5);
  }

  TEST_CASE("listener: who has no room leaves it to the other") {
    Pair pair(Sharing::first, Sharing::helper);
    pair.at_one.room = false;  // it waits already: it is woken, and cannot
    CHECK(pair.visit());
    const auto before = base::Clock::now();
    CHECK(pair.visit());  // now it does not even wait
    CHECK(base::Clock::now() - before < 500ms);
    CHECK(pair.at_other.taken.size() == 2);
    pair.at_one.room = true;
    pair.at_other.room = false;
    CHECK(pair.visit());
    CHECK(pair.at_one.taken.size() == 1);
  }
}
