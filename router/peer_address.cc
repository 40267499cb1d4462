#include "router/peer_address.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <utility>

namespace router {

namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

/// Numeric address and port; empty for unix sockets.
std::pair<std::string, std::string> numeric(int socket, NameOf name_of) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof(storage);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (name_of(socket, address, &size) != 0 ||
      (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) ||
      ::getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return {host.data(), port.data()};
}

}  // namespace

HttpPeers peers_of(int connection) {
  auto [remote, remote_port] = numeric(connection, ::getpeername);
  auto [local, local_port] = numeric(connection, ::getsockname);
  const bool gone = remote.empty() && !local.empty();
  if (remote.starts_with("::ffff:")) remote.erase(0, 7);
  if (local_port.empty()) local_port = "80";
  return {std::move(remote), std::move(remote_port), std::move(local_port), gone};
}

}  // namespace router
