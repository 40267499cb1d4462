#include "emperor/doorbell.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "base/fd.h"

using emperor::Doorbell;

namespace {

uvx::Task<std::vector<uint64_t>> next_ring(Doorbell& bell) {
  auto ids = co_await bell.rung();
  co_return ids ? *ids : std::vector<uint64_t>{};
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE(
      "doorbell: rings once for what can be read, and again when it is watched again") {
    uvx::Loop loop;
    {
      Doorbell bell(loop);
      auto first = base::make_pipe();
      auto second = base::make_pipe();
      REQUIRE((first && second));
      REQUIRE(bell.watch(first->first.get(), 1));
      REQUIRE(bell.watch(second->first.get(), 2));
      REQUIRE(::write(second->second.get(), "x", 1) == 1);
      CHECK(loop.run(next_ring(bell)) == std::vector<uint64_t>{2});
      REQUIRE(::write(first->second.get(), "x", 1) == 1);
      CHECK(loop.run(next_ring(bell)) == std::vector<uint64_t>{1});
      REQUIRE(bell.watch(second->first.get(), 2));
      CHECK(loop.run(next_ring(bell)) == std::vector<uint64_t>{2});
      bell.close();
    }
    loop.run_ready();
  }

  TEST_CASE("doorbell: what was taken out is silent, though a copy of it is open") {
    uvx::Loop loop;
    {
      Doorbell bell(loop);
      auto gone = base::make_pipe();
      auto other = base::make_pipe();
      REQUIRE((gone && other));
      const auto copy = base::duplicate(gone->first.get());
      REQUIRE(bell.watch(gone->first.get(), 1));
      bell.unwatch(gone->first.get());
      gone->first.reset();
      REQUIRE(::write(gone->second.get(), "x", 1) == 1);
      REQUIRE(bell.watch(other->first.get(), 2));
      REQUIRE(::write(other->second.get(), "x", 1) == 1);
      CHECK(loop.run(next_ring(bell)) == std::vector<uint64_t>{2});
      bell.close();
    }
    loop.run_ready();
  }
}
