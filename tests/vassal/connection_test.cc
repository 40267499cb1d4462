#include "vassal/connection.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include <doctest/doctest.h>

#include "base/clock.h"
#include "tests/vassal/pair.h"

TEST_SUITE_BEGIN("vassal");

TEST_CASE("connection: reads what is there, then the end") {
  Pair pair;
  pair.send("abc");
  pair.end();
  std::array<char, 8> buffer;
  CHECK(pair.connection.receive(buffer.data(), 2) == 2);
  CHECK(pair.connection.receive(buffer.data(), 8) == 1);
  CHECK(pair.connection.receive(buffer.data(), 8) == 0);
}

TEST_CASE("connection: its patience with a silent client ends") {
  Pair pair;
  char c;
  CHECK(pair.connection.receive(&c, 1) == -ETIMEDOUT);
}

TEST_CASE("connection: its patience with a client that does not read ends") {
  Pair pair;
  std::string much(1 << 20, 'x');
  std::array<iovec, 1> parts{iovec{much.data(), much.size()}};
  CHECK(pair.connection.send(parts) == -ETIMEDOUT);
}

TEST_CASE("connection: a client that left is an error, not a signal") {
  Pair pair;
  pair.leave();
  std::string text = "x";
  std::array<iovec, 1> parts{iovec{text.data(), text.size()}};
  CHECK(pair.connection.send(parts) == -EPIPE);
}

TEST_CASE("connection: one way is a pipe: written with the same patience, never read") {
  using namespace std::chrono_literals;
  auto ends = base::make_pipe(base::Blocking::no);
  REQUIRE(ends);
  const base::Fd reader = std::move(ends->first);
  vassal::Connection connection(nullptr, 20ms, 20ms);
  connection.take(std::move(ends->second), vassal::Connection::Way::out);
  CHECK(connection.send("head ") == 0);
  std::string text = "body";
  std::array<iovec, 1> parts{iovec{text.data(), text.size()}};
  CHECK(connection.send(parts) == 0);
  auto file = base::make_memfd("test");
  REQUIRE(file);
  (void)base::write_all(file->get(), "0123456789");
  CHECK(connection.send_file(file->get(), 2, 5) == 5);
  std::array<char, 64> buffer;
  REQUIRE(::read(reader.get(), buffer.data(), buffer.size()) == 14);
  CHECK(std::string(buffer.data(), 14) == "head body23456");
  CHECK(connection.receive(buffer.data(), 1) == -ENOTSOCK);
  connection.linger(1h);  // nobody is waited for
  const std::string much(1 << 20, 'x');
  CHECK(connection.send(much) == -ETIMEDOUT);
}

TEST_CASE("connection: sends a file from an offset, no more than asked") {
  Pair pair;
  auto file = base::make_memfd("test");
  REQUIRE(file);
  (void)base::write_all(file->get(), "0123456789");
  CHECK(pair.connection.send_file(file->get(), 2, 5) == 5);
  CHECK(pair.arrived() == "23456");
  CHECK(pair.connection.send_file(file->get(), 8, 100) == 2);
  CHECK(pair.arrived() == "89");
}

TEST_CASE("connection: what was not read does not destroy the answer") {
  Pair pair;
  pair.send(std::string(100'000, 'x'));
  pair.end();
  std::string text = "answer";
  std::array<iovec, 1> parts{iovec{text.data(), text.size()}};
  CHECK(pair.connection.send(parts) == 0);
  pair.connection.linger(std::chrono::milliseconds(200));
  pair.connection.close();
  CHECK(pair.arrived() == "answer");
  char c;
  CHECK(::recv(pair.client.get(), &c, 1, 0) == 0);
}

TEST_CASE("connection: lingering ends although the client goes on") {
  Pair pair;
  const auto begin = base::Clock::now();
  pair.connection.linger(std::chrono::milliseconds(30));
  CHECK(base::Clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("connection: names its peer") {
  Pair pair;
  CHECK(pair.connection.peer() ==
        "pid " + std::to_string(::getpid()) + " uid " + std::to_string(::getuid()));
}

TEST_CASE("connection: one that never waits keeps what the client does not take") {
  Pair pair(std::chrono::hours(1));
  pair.connection.never_wait();
  char c;
  CHECK(pair.connection.receive(&c, 1) == -EAGAIN);
  std::string sent;
  for (int i = 0; i < 64; ++i) {
    std::string piece(65536, static_cast<char>('a' + i % 26));
    std::array<iovec, 1> parts{iovec{piece.data(), piece.size()}};
    CHECK((i % 2 == 0 ? pair.connection.send(piece) : pair.connection.send(parts)) == 0);
    sent += piece;
  }
  auto file = base::make_memfd("test");
  REQUIRE(file);
  (void)base::write_all(file->get(), "0123456789");
  CHECK(pair.connection.send_file(file->get(), 2, 5) == 5);
  file->reset();
  sent += "23456";
  CHECK(pair.connection.unsent() > 0);
  std::string arrived;
  while (arrived.size() < sent.size()) {
    const std::string more = pair.arrived();
    arrived += more;
    REQUIRE(pair.connection.flush() == 0);
    if (more.empty() && pair.connection.unsent() == 0) break;
  }
  CHECK(arrived == sent);
  CHECK(pair.connection.unsent() == 0);
  pair.leave();
  CHECK(pair.connection.send("x") == -EPIPE);
}

TEST_SUITE_END();
