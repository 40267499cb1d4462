// Binds real sockets as a tenant, in a directory of its own.
#include "vassal/bind.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/support/temp_dir.h"

using vassal::BindChild;
using vassal::BindRequest;
using Kind = vassal::SocketAddress::Kind;

namespace {

constexpr uid_t kUid = 54321;
constexpr gid_t kGid = 54322;

// A tenant's directory below a root-only one would not be reachable: directly below /tmp.
struct TenantDirectory {
  TenantDirectory() { REQUIRE(::chown(path.c_str(), kUid, kGid) == 0); }

  support::TempDir dir = {};
  std::string path = dir.path();
};

BindRequest request_for(const std::string& path) {
  BindRequest request;
  request.address = {Kind::unix_path, path, "", 0, path};
  request.identity = vassal::Identity{kUid, kGid, {}};
  return request;
}

struct stat info_of(const std::string& path) {
  struct stat info{};
  CHECK(::lstat(path.c_str(), &info) == 0);
  return info;
}

bool answers(const vassal::KernelAddress& address) {
  const base::Fd client(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), &address.any, address.size) == 0;
}

}  // namespace

TEST_SUITE("spawn") {
  TEST_CASE("bind: the socket belongs to the tenant and listens") {
    const TenantDirectory home;
    BindRequest request = request_for(home.path + "/site.sock");
    const auto bound = vassal::bind_now(request);
    REQUIRE_MESSAGE(bound, bound.error().message());
    const auto info = info_of(request.address.path);
    CHECK(S_ISSOCK(info.st_mode));
    CHECK(info.st_uid == kUid);
    CHECK(info.st_gid == kGid);
    CHECK((info.st_mode & 0777) == 0755);
    CHECK(info.st_ino == bound->inode);
    CHECK(answers(*vassal::kernel_address(request.address)));
    CHECK((::fcntl(bound->socket.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(bound->socket.get(), F_GETFL) & O_NONBLOCK) != 0);
  }

  TEST_CASE("bind: chmod-socket is the mode, whatever the umask") {
    const TenantDirectory home;
    BindRequest request = request_for(home.path + "/site.sock");
    request.mode = 0666;
    const auto bound = vassal::bind_now(request);
    REQUIRE(bound);
    CHECK((info_of(request.address.path).st_mode & 0777) == 0666);
  }

  TEST_CASE("bind: the file of a server that is gone is replaced") {
    const TenantDirectory home;
    const BindRequest request = request_for(home.path + "/site.sock");
    REQUIRE(vassal::bind_now(request));  // bound and closed: the file stays
    CHECK(vassal::bind_now(request));
  }

  TEST_CASE("bind: a server that answers is not pushed aside") {
    const TenantDirectory home;
    const BindRequest request = request_for(home.path + "/site.sock");
    const auto first = vassal::bind_now(request);
    REQUIRE(first);
    const auto second = vassal::bind_now(request);
    REQUIRE_FALSE(second);
    CHECK(second.error().is(std::errc::address_in_use));
    CHECK(second.error().message().find("probably another instance") !=
          std::string::npos);
    CHECK(info_of(request.address.path).st_ino == first->inode);
  }

  TEST_CASE("bind: what is not a socket is never removed") {
    const TenantDirectory home;
    const BindRequest request = request_for(home.path + "/site.sock");
    REQUIRE(base::write_file(request.address.path, "precious"));
    const auto bound = vassal::bind_now(request);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().is(std::errc::file_exists));
    CHECK(*base::read_file(request.address.path, 100) == "precious");
  }

  TEST_CASE("bind: where the tenant may not write, nothing is bound") {
    const TenantDirectory home;
    REQUIRE(::chown(home.path.c_str(), 0, 0) == 0);
    const auto bound = vassal::bind_now(request_for(home.path + "/site.sock"));
    REQUIRE_FALSE(bound);
    CHECK(bound.error().is(std::errc::permission_denied));
    CHECK(bound.error().message().find(home.path + "/site.sock") != std::string::npos);
  }

  TEST_CASE("bind: without a tenant it is bound as who we are") {
    const TenantDirectory home;
    BindRequest request = request_for(home.path + "/site.sock");
    request.identity.reset();
    REQUIRE(vassal::bind_now(request));
    CHECK(info_of(request.address.path).st_uid == ::geteuid());
  }

  TEST_CASE("bind: abstract names and TCP ports") {
    BindRequest request = request_for("");
    const std::string name = "imperium-test-" + std::to_string(::getpid());
    request.address = {Kind::abstract, name, "", 0, "@" + name};
    const auto abstract = vassal::bind_now(request);
    REQUIRE(abstract);
    CHECK(abstract->inode == 0);
    CHECK(answers(*vassal::kernel_address(request.address)));
    CHECK(vassal::bind_now(request).error().is(std::errc::address_in_use));

    request.address = {Kind::tcp, "", "127.0.0.1", 0, "127.0.0.1:0"};
    CHECK(vassal::bind_now(request));
  }

  TEST_CASE("bind: does not block, and a child that was stopped is still ended") {
    const TenantDirectory home;
    auto child = BindChild::start(request_for(home.path + "/site.sock"));
    REQUIRE(child);
    pollfd p{child->fd(), POLLIN, 0};
    CHECK(::poll(&p, 1, 10'000) == 1);
    const auto bound = child->finish();
    REQUIRE(bound);
    CHECK(bound->has_value());
    auto other = BindChild::start(request_for(home.path + "/other.sock"));
    REQUIRE(other);  // destroyed while it works
  }

  TEST_CASE("bind: chown-socket gives the file away, but only the file that was bound") {
    const TenantDirectory home;
    const BindRequest request = request_for(home.path + "/site.sock");
    const std::string& path = request.address.path;
    const auto bound = vassal::bind_now(request);
    REQUIRE(bound);
    const auto gid_unchanged = static_cast<gid_t>(-1);

    REQUIRE(::rename(path.c_str(), (path + ".moved").c_str()) == 0);
    REQUIRE(::symlink("/etc/passwd", path.c_str()) == 0);
    CHECK_FALSE(vassal::chown_socket(path, *bound, kUid, 33, 33));
    CHECK(info_of("/etc/passwd").st_uid == 0);
    REQUIRE(::rename((path + ".moved").c_str(), path.c_str()) == 0);

    CHECK_FALSE(vassal::chown_socket(path, *bound, kUid + 1, 33, gid_unchanged));
    REQUIRE(vassal::chown_socket(path, *bound, kUid, 33, gid_unchanged));
    CHECK(info_of(path).st_uid == 33);
    CHECK(info_of(path).st_gid == kGid);
  }
}
