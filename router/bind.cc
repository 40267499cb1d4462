#include "router/bind.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

namespace router {

namespace {

constexpr int kBacklog = 4096;

base::Result<base::Fd> listen_on(int family,
                                 const sockaddr* address,
                                 socklen_t size,
                                 const std::string& text) {
  base::Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return base::fail_errno("socket for " + text);
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (::bind(socket.get(), address, size) != 0) return base::fail_errno("bind " + text);
  if (::listen(socket.get(), kBacklog) != 0) return base::fail_errno("listen " + text);
  return socket;
}

base::Result<base::Fd> bind_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return base::fail(ENAMETOOLONG, "bind " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  TRY(make_room(path, SOCK_STREAM));
  return listen_on(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof(address), path);
}

}  // namespace

base::Result<> make_room(const std::string& path, int type) {
  struct stat s{};
  if (::lstat(path.c_str(), &s) != 0) return {};
  if (!S_ISSOCK(s.st_mode)) return base::fail(path + " exists and is no socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const base::Fd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return base::fail_errno("socket");
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0 ||
      errno != ECONNREFUSED)
    return base::fail(EADDRINUSE, path + ": somebody answers there");
  if (::unlink(path.c_str()) != 0) return base::fail_errno("unlink " + path);
  return {};
}

std::string bound_address(int socket) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof(storage);
  if (::getsockname(socket, address, &size) != 0) return {};
  if (storage.ss_family == AF_UNIX) {
    const auto* path = reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
    const size_t length = size - offsetof(sockaddr_un, sun_path);
    if (size <= offsetof(sockaddr_un, sun_path)) return {};
    if (*path == '\0') return "@" + std::string(path + 1, length - 1);
    return {path, ::strnlen(path, length)};
  }
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  const std::string name(host.data());
  const bool v6 = storage.ss_family == AF_INET6;
  return (v6 ? "[" + name + "]" : name) + ":" + port.data();
}

base::Result<base::Fd> bind_listener(const std::string& address) {
  if (address.find('/') != std::string::npos) return bind_unix(address);
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos)
    return base::fail("bind " + address + ": neither a path nor host:port");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  address.c_str() + colon + 1, &hints, &list);
  if (error != 0) return base::fail("bind " + address + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  return listen_on(list->ai_family, list->ai_addr, list->ai_addrlen, address);
}

}  // namespace router
