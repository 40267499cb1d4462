#include "router/resubscriber.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>

#include "router/node_address.h"

namespace router {

namespace {

/// Where a socket is bound, as parse_node_address() takes it; any address is written as
/// none.
std::string address_of(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    const bool any = in->sin_addr.s_addr == INADDR_ANY;
    ::inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
    return (any ? "" : std::string(text.data())) + ":" +
           std::to_string(ntohs(in->sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
    const bool any = IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
    ::inet_ntop(AF_INET6, &in->sin6_addr, text.data(), text.size());
    return (any ? "" : "[" + std::string(text.data()) + "]") + ":" +
           std::to_string(ntohs(in->sin6_port));
  }
  const auto* un = reinterpret_cast<const sockaddr_un*>(&storage);
  std::string path(un->sun_path, size - offsetof(sockaddr_un, sun_path));
  if (path.starts_with('\0')) path[0] = '@';
  while (path.ends_with('\0'))
    path.pop_back();
  return path;
}

}  // namespace

void Resubscriber::serves_at(int socket) {
  if (!rules_.address.empty()) return;
  rules_.address = address_of(socket);
  for (const std::string& upstream : rules_.upstream)
    if (!means_us(upstream))
      log_.error(
          "resubscribe {}: it is told nothing, since {} means another machine there: "
          "give the first fastrouter an address that it can reach",
          upstream, rules_.address);
}

bool Resubscriber::means_us(const std::string& upstream) const {
  const auto ours = parse_node_address(rules_.address);
  const auto theirs = parse_node_address(upstream);
  return ours && theirs &&
         (!is_local_address(ours->get()) || is_local_address(theirs->get()));
}

bool Resubscriber::is_time_for(const wire::Subscription& packet) {
  const auto now = base::Clock::now();
  if (now - told_since_ >= std::chrono::seconds(1)) {
    told_since_ = now;
    told_keys_.clear();
  }
  if (!packet.leave) return told_keys_.emplace(packet.key).second;
  told_keys_.erase(std::string(packet.key));
  return true;
}

void Resubscriber::tell(const wire::Subscription& packet) {
  if (!wanted() || rules_.address.empty() || !is_time_for(packet)) return;
  wire::Subscription ours;
  ours.key = packet.key;
  ours.address = rules_.address;
  ours.cores = packet.cores;
  ours.load = packet.load;
  ours.backup = packet.backup;
  ours.algo = packet.algo;
  ours.leave = packet.leave;
  ours.unix_time = static_cast<uint64_t>(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  const auto datagram = wire::encode_subscription(ours);
  if (!datagram) return;
  for (const std::string& upstream : rules_.upstream)
    if (means_us(upstream)) send(*datagram, upstream);
}

void Resubscriber::send(const std::string& datagram, const std::string& upstream) {
  const auto where = parse_node_address(upstream);
  if (!where) return;
  const base::Fd socket(::socket(where->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  bool sent = static_cast<bool>(socket);
  if (!rules_.bind.empty())
    if (const auto from = parse_node_address(rules_.bind)) {
      const int yes = 1;
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
      sent = sent && ::bind(socket.get(), from->get(), from->size) == 0;
    }
  sent = sent && ::sendto(socket.get(), datagram.data(), datagram.size(),
                          MSG_DONTWAIT | MSG_NOSIGNAL, where->get(), where->size) >= 0;
  if (!sent && !told_)
    log_.warn("resubscribe {}: nothing can be sent: {}", upstream,
              base::fail_errno("send").error().message());
  told_ = !sent;
}

}  // namespace router
