// Descriptors and their passing between processes.
#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include <doctest/doctest.h>

#include "base/fd_passing.h"

namespace {
bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}
}  // namespace

TEST_SUITE("base") {
  TEST_CASE("fd: moved-from owns nothing, the destructor closes") {
    int raw = -1;
    {
      base::Fd a(::dup(0));
      raw = a.get();
      base::Fd b = std::move(a);
      CHECK(a.get() == -1);
      CHECK(b.get() == raw);
      CHECK(is_open(raw));
    }
    CHECK_FALSE(is_open(raw));
  }

  TEST_CASE("fd: everything made is close-on-exec") {
    const auto pipe = base::make_pipe().value();
    const auto pair = base::make_socketpair(SOCK_SEQPACKET).value();
    const auto memfd = base::make_memfd("test").value();
    const auto copy = base::duplicate(memfd.get()).value();
    for (const int fd : {pipe.first.get(), pair.second.get(), memfd.get(), copy.get()})
      CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }

  TEST_CASE("fd: a sealed memfd can neither be written nor resized") {
    const auto memfd = base::make_memfd("sealed").value();
    REQUIRE(base::write_all(memfd.get(), "content"));
    REQUIRE(base::seal(memfd.get()));
    CHECK_FALSE(base::write_all(memfd.get(), "more"));
    CHECK(::ftruncate(memfd.get(), 0) != 0);
  }

  TEST_CASE("fd passing: bytes and descriptors arrive together") {
    const auto pair = base::make_socketpair(SOCK_SEQPACKET).value();
    const auto pipe = base::make_pipe().value();
    const std::array fds{pipe.second.get()};
    REQUIRE(base::send_with_fds(pair.first.get(), "here", fds));
    std::array<char, 64> buffer{};
    auto received = base::receive_with_fds(pair.second.get(), buffer);
    REQUIRE(received);
    CHECK(received->size == 4);
    REQUIRE(received->fds.size() == 1);
    REQUIRE(base::write_all(received->fds[0].get(), "x"));
    char byte = 0;
    CHECK(::read(pipe.first.get(), &byte, 1) == 1);
    CHECK(byte == 'x');
  }

  TEST_CASE("fd passing: nothing there is EAGAIN, a closed peer is zero bytes") {
    auto pair = base::make_socketpair(SOCK_SEQPACKET).value();
    std::array<char, 8> buffer{};
    const auto nothing = base::receive_with_fds(pair.second.get(), buffer);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().is(std::errc::resource_unavailable_try_again));
    pair.first.reset();
    const auto closed = base::receive_with_fds(pair.second.get(), buffer);
    REQUIRE(closed);
    CHECK(closed->size == 0);
  }

  TEST_CASE("fd passing: a socket that refuses descriptors takes bytes only") {
    const auto pair = base::make_socketpair(SOCK_STREAM, base::Blocking::no).value();
    base::refuse_descriptors(pair.first.get());
    const int own_flag = 83;
    int allowed = 1;
    socklen_t size = sizeof(allowed);
    if (::getsockopt(pair.first.get(), SOL_SOCKET, own_flag, &allowed, &size) != 0)
      return;  // an older kernel
    const std::array fds{pair.first.get()};
    const auto refused = base::send_with_fds(pair.second.get(), "x", fds);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(std::errc::operation_not_permitted));
    CHECK(base::send_with_fds(pair.second.get(), "x", {}));
    CHECK(base::send_with_fds(pair.first.get(), "back", fds));  // the other way it can
  }

  TEST_CASE(
      "fd passing: a message larger than the buffer is refused and its descriptors "
      "closed") {
    const auto pair = base::make_socketpair(SOCK_SEQPACKET).value();
    auto pipe = base::make_pipe().value();
    const std::array fds{pipe.second.get()};
    REQUIRE(base::send_with_fds(pair.first.get(), "far too long", fds));
    pipe.second.reset();
    std::array<char, 4> buffer{};
    const auto refused = base::receive_with_fds(pair.second.get(), buffer);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(std::errc::message_size));
    char byte = 0;
    CHECK(::read(pipe.first.get(), &byte, 1) == 0);  // no writer is left
  }
}
