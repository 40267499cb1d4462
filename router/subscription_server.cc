#include "router/subscription_server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "router/node_address.h"

namespace router {

namespace {

/// Datagrams heard before others get their turn.
constexpr int kBatch = 64;
constexpr auto kTellTime = std::chrono::seconds(10);
constexpr unsigned kTellMost = 1000;

Sender sender_of(msghdr& message) {
  Sender sender;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
    sender = {credentials.uid, credentials.gid, credentials.pid};
  }
  return sender;
}

uint64_t unix_now() {
  return static_cast<uint64_t>(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
}

}  // namespace

SubscriptionServer::SubscriptionServer(uvx::Loop& loop,
                                       base::Log& log,
                                       base::Fd socket,
                                       Subscriptions& nodes,
                                       SubscriptionPolicy& policy)
    : log_(log),
      socket_(std::move(socket)),
      poll_(loop, socket_.get()),
      nodes_(nodes),
      policy_(policy) {}

base::Result<base::Fd> SubscriptionServer::bind(const std::string& address) {
  TRY_ASSIGN(const NodeAddress where, parse_node_address(address));
  const int family = where.storage.ss_family;
  base::Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return base::fail_errno("socket for " + address);
  const int yes = 1;
  if (family == AF_UNIX) {
    if (address.starts_with('/')) ::unlink(address.c_str());
    ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
  }
  if (::bind(socket.get(), where.get(), where.size) != 0)
    return base::fail_errno("bind " + address);
  return socket;
}

uvx::Task<void> SubscriptionServer::run() {
  std::array<char, wire::kMaxSubscription + 1> buffer;
  do {
    for (int n = 0; n < kBatch; ++n) {
      alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
      iovec part{buffer.data(), buffer.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
      if (size < 0 && errno != EINTR) break;
      if (size > 0) hear({buffer.data(), static_cast<size_t>(size)}, sender_of(message));
    }
  } while (co_await poll_.readable());
}

void SubscriptionServer::hear(std::string_view datagram, const Sender& sender) {
  const auto packet = wire::decode_subscription(datagram);
  if (!packet) {
    if (may_tell())
      log_.warn("subscription: refused pid={} reason=\"{}\"", sender.pid, packet.error());
    return;
  }
  const auto refuse = [&](const std::string& why) {
    if (!may_tell()) return;
    log_.warn("subscription: refused key={} node={} pid={} reason=\"{}\"",
              base::printable(packet->key), base::printable(packet->address), sender.pid,
              base::printable(why));
  };
  if (const auto address = parse_node_address(packet->address); !address)
    return refuse(address.error().message());
  const auto why = policy_.refuse(*packet, sender, unix_now());
  for (const auto& note : policy_.take_notes())
    if (may_tell()) log_.warn("subscription: {}", base::printable(note));
  if (why) return refuse(*why);
  using Outcome = Subscriptions::Outcome;
  switch (nodes_.apply(*packet, base::Clock::now())) {
    case Outcome::added:
      log_.info("subscription: new node key={} node={} weight={}",
                base::printable(packet->key), base::printable(packet->address),
                packet->weight);
      if (sender.uid) acknowledge(*packet);
      return;
    case Outcome::left:
      log_.info("subscription: node left key={} node={}", base::printable(packet->key),
                base::printable(packet->address));
      return;
    case Outcome::refused:
      return refuse("too many keys, or too many nodes of this key");
    case Outcome::refreshed:
    case Outcome::unknown:
      return;
  }
}

/// Whoever may send may also fill our log: it takes so many lines in so much time.
bool SubscriptionServer::may_tell() {
  const auto now = base::Clock::now();
  if (now - told_since_ > kTellTime) {
    if (told_ > kTellMost)
      log_.warn("subscription: {} refusals more were not told", told_ - kTellMost);
    told_since_ = now;
    told_ = 0;
  }
  return ++told_ <= kTellMost;
}

/// As uWSGI words it; who cannot take it now does without. Only to unix sockets of this
/// machine: a UDP sender can be forged, and would have us write to anybody.
void SubscriptionServer::acknowledge(const wire::Subscription& packet) const {
  if (!packet.notify.starts_with('/') && !packet.notify.starts_with('@')) return;
  const auto where = parse_node_address(packet.notify);
  if (!where) return;
  const base::Fd socket(::socket(where->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::string text = "[subscription ack] ";
  text.append(base::printable(packet.key))
      .append(" => new node: ")
      .append(base::printable(packet.address));
  static_cast<void>(::sendto(socket.get(), text.data(), text.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL, where->get(), where->size));
}

}  // namespace router
