#include "vassal/bind_request.h"

#include <arpa/inet.h>

#include <cstring>

#include <doctest/doctest.h>

using vassal::kernel_address;
using vassal::SocketAddress;
using Kind = vassal::SocketAddress::Kind;

namespace {

SocketAddress path(std::string text) {
  return {Kind::unix_path, text, "", 0, text};
}
SocketAddress tcp(std::string host, uint16_t port) {
  return {Kind::tcp, "", host, port, host};
}

}  // namespace

TEST_SUITE("spawn") {
  TEST_CASE("bind_request: a unix path of 107 bytes is the longest") {
    const auto longest = kernel_address(path("/" + std::string(106, 'a')));
    REQUIRE(longest);
    CHECK(std::strlen(longest->local.sun_path) == 107);
    const auto longer = kernel_address(path("/" + std::string(107, 'a')));
    REQUIRE_FALSE(longer);
    CHECK(longer.error().is(std::errc::filename_too_long));
    CHECK_FALSE(kernel_address(path("")));
  }

  TEST_CASE("bind_request: an abstract name has no end, only a length") {
    const auto address = kernel_address({Kind::abstract, "name", "", 0, "@name"});
    REQUIRE(address);
    CHECK(address->local.sun_path[0] == '\0');
    CHECK(address->size == offsetof(sockaddr_un, sun_path) + 5);
  }

  TEST_CASE("bind_request: TCP addresses are numbers") {
    const auto any = kernel_address(tcp("", 8080));
    REQUIRE(any);
    CHECK(any->ip4.sin_addr.s_addr == INADDR_ANY);
    CHECK(ntohs(any->ip4.sin_port) == 8080);
    CHECK(kernel_address(tcp("::1", 80))->any.sa_family == AF_INET6);
    CHECK(kernel_address(tcp("[::1]", 80))->any.sa_family == AF_INET6);
    CHECK_FALSE(kernel_address(tcp("localhost", 80)));
  }
}
