#include "router/subscription_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd_passing.h"
#include "router/bind.h"
#include "router/node_address.h"

namespace router {

namespace {

/// Datagrams heard before others get their turn.
constexpr int kBatch = 64;
/// A look at a signature takes as long as a request.
constexpr int kSignedBatch = 8;

/// What one customer has for himself.
uint64_t network_of(const sockaddr* from) {
  uint64_t network = 0;
  if (from->sa_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in*>(from)->sin_addr.s_addr);
  if (from->sa_family != AF_INET6) return 0;
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr;
  const bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&ip);
  std::memcpy(&network, ip.s6_addr + (is_ipv4 ? 8 : 0), sizeof(network));
  return network;
}

/// By IP it says where it came from only; loopback cannot be forged from outside.
Sender sender_of(msghdr& message) {
  Sender sender;
  const auto* from = static_cast<const sockaddr*>(message.msg_name);
  sender.remote = message.msg_namelen >= sizeof(sockaddr_in) &&
                  from->sa_family != AF_UNIX && !is_local_address(from);
  if (message.msg_namelen >= sizeof(sockaddr_in)) sender.network = network_of(from);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
    sender = {credentials.uid, credentials.gid, credentials.pid, false, 0};
  }
  return sender;
}

}  // namespace

SubscriptionServer::SubscriptionServer(uvx::Loop& loop,
                                       base::Fd socket,
                                       Registrar& registrar)
    : socket_(std::move(socket)), poll_(loop, socket_.get()), registrar_(registrar) {
  base::refuse_descriptors(socket_.get());
}

base::Result<base::Fd> SubscriptionServer::bind(const std::string& address) {
  TRY_ASSIGN(const NodeAddress where, parse_node_address(address));
  const int family = where.storage.ss_family;
  base::Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return base::fail_errno("socket for " + address);
  const int yes = 1;
  if (family == AF_UNIX) {
    if (address.starts_with('/')) TRY(make_room(address, SOCK_DGRAM));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
  }
  if (::bind(socket.get(), where.get(), where.size) != 0)
    return base::fail_errno("bind " + address);
  // Whoever sends says by his credentials who he is, or signs.
  if (address.starts_with('/') && ::chmod(address.c_str(), 0666) != 0)
    return base::fail_errno("chmod " + address);
  return socket;
}

uvx::Task<void> SubscriptionServer::run() {
  std::array<char, wire::kMaxSubscription + 1> buffer;
  const int batch = registrar_.verifies() ? kSignedBatch : kBatch;
  do {
    for (int n = 0; n < batch; ++n) {
      alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
      iovec part{buffer.data(), buffer.size()};
      msghdr message{};
      sockaddr_storage from{};
      message.msg_name = &from;
      message.msg_namelen = sizeof(from);
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
      if (size < 0 && errno != EINTR) break;
      if (size > 0)
        registrar_.hear({buffer.data(), static_cast<size_t>(size)}, sender_of(message));
    }
  } while (co_await poll_.readable());
}

}  // namespace router
