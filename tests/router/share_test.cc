#include "router/share.h"

#include <sys/socket.h>

#include <list>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "base/uv/task_group.h"

using namespace router;
using namespace std::chrono_literals;

TEST_SUITE("router") {
  TEST_CASE("bandwidth: what is above the rate is waited for, savings are bounded") {
    Bandwidth bandwidth;
    base::Instant now{1h};
    CHECK(bandwidth.spend(1 << 30, now) == 0s);  // no limit
    bandwidth.set_rate(1'000'000);
    CHECK(bandwidth.spend(250'000, now) == 0s);  // saved up
    CHECK(bandwidth.spend(500'000, now) == 500ms);
    now += 500ms;
    CHECK(bandwidth.spend(0, now) == 0s);
    now += 24h;
    CHECK(bandwidth.spend(250'000, now) == 0s);
    CHECK(bandwidth.spend(1000, now) == 1ms);
  }

  TEST_CASE("bandwidth: over a while the rate is kept, whoever sends") {
    Bandwidth bandwidth;
    bandwidth.set_rate(10'000);
    base::Instant now{1h};
    uint64_t sent = 0;
    for (const auto end = now + 60s; now < end;) {
      sent += 65536;
      now += std::max<base::Duration>(bandwidth.spend(65536, now), 1ms);
    }
    CHECK(sent >= 60 * 10'000);
    CHECK(sent <= 60 * 10'000 + 3 * 65536);
  }

  TEST_CASE("bandwidth: a tiny rate does not overflow the clock") {
    Bandwidth bandwidth;
    bandwidth.set_rate(1);
    CHECK(bandwidth.spend(SIZE_MAX, base::Instant{1h}) <= 2h);
  }

  TEST_CASE("bandwidth: who is slow gets small pieces") {
    Bandwidth bandwidth;
    CHECK(bandwidth.piece(65536) == 65536);
    bandwidth.set_rate(10'000);
    CHECK(bandwidth.piece(65536) == 2500);
    bandwidth.set_rate(1);
    CHECK(bandwidth.piece(65536) == 1024);
    bandwidth.set_rate(1 << 30);
    CHECK(bandwidth.piece(65536) == 65536);
  }

  TEST_CASE("share: nobody waits for bandwidth whose client is gone, or in a drain") {
    uvx::Loop loop;
    uvx::TaskGroup tasks{loop};
    auto ends = *base::make_socketpair(SOCK_STREAM, base::Blocking::no);
    const auto share = std::make_shared<Share>();
    share->set_limits({.bandwidth = 1000});
    std::optional<bool> paid;
    const auto pay = [](std::shared_ptr<Share> from, uvx::Loop* in, int client,
                        std::optional<bool>* out) -> uvx::Task<void> {
      *out = co_await Share::pay(from, *in, 1'000'000, client);
    };
    SUBCASE("gone") {
      tasks.spawn(pay(share, &loop, ends.first.get(), &paid));
      ends.second = {};
      loop.run(tasks.join());
      CHECK(paid == false);
    }
    SUBCASE("drain") {
      tasks.spawn(pay(share, &loop, ends.first.get(), &paid));
      share->lift_bandwidth();
      share->set_limits({.bandwidth = 1000});
      loop.run(tasks.join());
      CHECK(paid == true);
    }
  }

  struct Crowd {
    uvx::Loop loop;
    uvx::TaskGroup tasks{loop};
    std::shared_ptr<Share> share = std::make_shared<Share>();
    std::vector<int> statuses;  // of those who asked, in the order of their answers
    std::list<Share::Turn> turns;

    void ask() { tasks.spawn(take(this)); }
    static uvx::Task<void> take(Crowd* self) {
      auto turn = co_await Share::take_turn(self->share, self->loop);
      self->statuses.push_back(turn ? 200 : turn.error().status);
      if (turn) self->turns.push_back(*std::move(turn));
    }
    void let_run() {
      for (int i = 0; i < 5; ++i)
        loop.run_ready();
    }
  };

  TEST_CASE("share: so many at once, the next ones wait, and beyond that 503") {
    Crowd crowd;
    crowd.share->set_limits({.most_running = 2, .most_waiting = 1, .patience = 1h});
    for (int i = 0; i < 4; ++i)
      crowd.ask();
    crowd.let_run();
    CHECK(crowd.statuses == std::vector{200, 200, 503});
    CHECK(crowd.share->waiting() == 1);
    crowd.turns.erase(crowd.turns.begin());
    crowd.let_run();
    CHECK(crowd.statuses == std::vector{200, 200, 503, 200});
    CHECK(crowd.share->running() == 2);
    crowd.turns.clear();
    CHECK(crowd.share->running() == 0);
    crowd.loop.run(crowd.tasks.join());
  }

  TEST_CASE("share: who waits too long, or whose vassal goes, is told") {
    Crowd crowd;
    crowd.share->set_limits({.most_running = 1, .most_waiting = 9, .patience = 1ms});
    crowd.ask();
    crowd.ask();
    crowd.loop.run(crowd.loop.sleep_for(20ms));
    CHECK(crowd.statuses == std::vector{200, 503});
    crowd.share->set_limits({.most_running = 1, .most_waiting = 9, .patience = 1h});
    crowd.ask();
    crowd.let_run();
    crowd.share->dismiss(refusals::kNoAnswer);
    crowd.let_run();
    CHECK(crowd.statuses == std::vector{200, 503, 504});
    crowd.turns.clear();
    crowd.loop.run(crowd.tasks.join());
  }

  TEST_CASE("share: a limit that is lifted lets in who waits") {
    Crowd crowd;
    crowd.share->set_limits({.most_running = 1, .most_waiting = 9, .patience = 1h});
    for (int i = 0; i < 3; ++i)
      crowd.ask();
    crowd.let_run();
    CHECK(crowd.share->waiting() == 2);
    crowd.share->set_limits({});
    crowd.let_run();
    CHECK(crowd.statuses.size() == 3);
    crowd.turns.clear();
    crowd.loop.run(crowd.tasks.join());
  }
}
