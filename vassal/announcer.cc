#include "vassal/announcer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/fd.h"
#include "vassal/address.h"
#include "vassal/bind_request.h"
#include "vassal/journal.h"

namespace vassal {

namespace {

uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

/// An address without a host means this machine, for whom it is sent to.
base::Result<KernelAddress> destination(const std::string& server) {
  TRY_ASSIGN(SocketAddress address, parse_socket_address(server, ""));
  if (address.host.empty()) address.host = "127.0.0.1";
  if (address.kind == SocketAddress::Kind::tcp && address.port == 0)
    return base::fail("no port");
  TRY_ASSIGN(KernelAddress out, kernel_address(address));
  if (address.kind == SocketAddress::Kind::abstract) --out.size;
  return out;
}

uint64_t unix_now() {
  return static_cast<uint64_t>(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
}

}  // namespace

Announcer::Announcer(const VassalConfig& config,
                     const std::vector<ListenerName>& listeners,
                     std::string runtimes)
    : config_(config), signer_(std::move(runtimes)) {
  for (const SocketAddress& socket : config.sockets)
    for (const auto& [fd, text] : listeners)
      if (text == socket.text || text == socket.path) {
        if (first_ < 0) first_ = fd;
        own_.push_back(own_address(socket, bound_port(fd)));
      }
}

void Announcer::start(base::Instant now) {
  const bool any = std::ranges::any_of(config_.subscriptions, is_sent);
  if (!any || next_) return;
  if (own_.empty())
    return say(Level::warn,
               "subscribe-to: no `socket` of its own, so there is nothing to announce");
  next_ = now;
  tick(now);
}

void Announcer::tick(base::Instant now) {
  if (!next_ || *next_ > now) return;
  next_ = now + std::max<base::Duration>(config_.subscribe_freq, std::chrono::seconds(1));
  for (const Subscription& subscription : config_.subscriptions)
    tell(subscription, false);
}

void Announcer::leave(Leaving how) {
  if (!next_) return;
  next_.reset();
  if (how == Leaving::to_reload && !config_.unsubscribe_on_graceful_reload) return;
  for (const Subscription& subscription : config_.subscriptions)
    tell(subscription, true);
}

/// The same trouble is told once.
void Announcer::tell(const Subscription& subscription, bool leave) {
  if (!is_sent(subscription)) return;
  if (!subscription.check.empty() && ::access(subscription.check.c_str(), F_OK) == 0)
    return;
  const auto sent =
      send(subscription, {.unix_time = unix_now(), .load = load(), .leave = leave});
  const std::string wrong =
      sent ? "" : "subscribe-to " + subscription.server + ": " + sent.error().message();
  if (!wrong.empty() && wrong != told_) say(Level::warn, wrong);
  if (!wrong.empty() || told_.find(subscription.server) != told_.npos) told_ = wrong;
}

base::Result<> Announcer::send(const Subscription& subscription, const Moment& moment) {
  auto packet = announcement(config_, subscription, own_, moment);
  if (packet && !subscription.sign_digest.empty()) {
    TRY_ASSIGN(const std::string signature,
               signer_.sign(subscription.sign_digest, subscription.sign_key,
                            signed_part(*packet)));
    packet = with_signature(*packet, signature);
  }
  if (!packet) return base::fail("it names no socket of ours, or is too long");
  TRY_ASSIGN(const KernelAddress where, destination(subscription.server));
  const base::Fd socket(
      ::socket(where.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::sendto(socket.get(), packet->data(), packet->size(), MSG_NOSIGNAL, &where.any,
               where.size) < 0)
    return base::fail_errno("send");
  return {};
}

/// Connections in the backlog of the first socket; of unix sockets the kernel does not
/// tell.
uint64_t Announcer::load() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(first_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_unacked;  // of a listening socket: who waits
}

}  // namespace vassal
