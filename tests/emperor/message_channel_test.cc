#include "emperor/message_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/uv/loop.h"

using emperor::Incoming;
using emperor::MessageChannel;

namespace {

struct Ends {
  explicit Ends(uvx::Loop& loop) : tasks(loop) {
    auto pair = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no).value();
    a = std::make_shared<MessageChannel>(loop, tasks, std::move(pair.first));
    b = std::make_shared<MessageChannel>(loop, tasks, std::move(pair.second));
  }
  uvx::TaskGroup tasks;
  std::shared_ptr<MessageChannel> a;
  std::shared_ptr<MessageChannel> b;
};

uvx::Task<size_t> count(std::shared_ptr<MessageChannel> channel, size_t until) {
  size_t received = 0;
  while (received < until) {
    const auto incoming = co_await channel->receive();
    if (!incoming || incoming->message.number("n") != received) break;
    ++received;
  }
  co_return received;
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("channel: a message arrives with its descriptor") {
    uvx::Loop loop;
    Ends ends(loop);
    const auto pipe = base::make_pipe().value();
    const int fd = pipe.second.get();
    ends.a->send(wire::Message{"hold", {}}.set("name", "x"), {&fd, 1});
    const auto incoming = loop.run(ends.b->receive());
    REQUIRE(incoming);
    CHECK(incoming->message.get("name") == "x");
    REQUIRE(incoming->fds.size() == 1);
    CHECK(::write(incoming->fds[0].get(), "!", 1) == 1);
  }

  TEST_CASE("channel: what does not fit is queued and arrives in order") {
    uvx::Loop loop;
    Ends ends(loop);
    constexpr size_t kMany = 3000;
    const std::string padding(1000, 'p');
    for (size_t n = 0; n < kMany; ++n)
      ends.a->send(wire::Message{"m", {}}.set("n", n).set("padding", padding));
    CHECK(loop.run(count(ends.b, kMany)) == kMany);
    loop.run(ends.tasks.join());
  }

  TEST_CASE("channel: try_send says when the socket is full") {
    uvx::Loop loop;
    Ends ends(loop);
    const wire::Message message =
        wire::Message{"m", {}}.set("padding", std::string(1000, 'p'));
    int sent = 0;
    while (sent < 10000 && ends.a->try_send(message))
      ++sent;
    CHECK(sent > 10);
    CHECK(sent < 10000);
  }

  TEST_CASE("channel: garbage is skipped, the end of the peer and close() are errors") {
    uvx::Loop loop;
    Ends ends(loop);
    CHECK(::send(ends.a->fd(), "garbage", 7, 0) == 7);
    ends.a->send({"real", {}});
    CHECK(loop.run(ends.b->receive())->message.verb == "real");
    ends.b->close();
    CHECK_FALSE(loop.run(ends.b->receive()));
  }
}
