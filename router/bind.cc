#include "router/bind.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
  ::unlink(path.c_str());
  return listen_on(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof(address), path);
}

}  // namespace

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
