#include "router/registrar.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>

#include "router/node_address.h"

namespace router {

namespace {

constexpr auto kTellTime = std::chrono::seconds(10);
constexpr unsigned kTellMost = 1000;

/// What the clock on the wall showed then: siblings tell of packets that were good when
/// they came.
uint64_t unix_time_of(base::Instant at) {
  using Wall = std::chrono::system_clock;
  const auto age = std::chrono::duration_cast<Wall::duration>(base::Clock::now() - at);
  return static_cast<uint64_t>(Wall::to_time_t(Wall::now() - age));
}

}  // namespace

Registrar::Registrar(uvx::Loop& loop,
                     base::Log& log,
                     uvx::TaskGroup& tasks,
                     Subscriptions& nodes,
                     SubscriptionPolicy& policy,
                     const ResubscribeRules& upstream)
    : log_(log),
      nodes_(nodes),
      policy_(policy),
      siblings_(
          loop, tasks, [this](const HeardPacket& heard) { judge(heard, From::sibling); }),
      upstream_(log, upstream) {}

void Registrar::hear(std::string_view datagram, const Sender& sender) {
  judge({.datagram = datagram, .sender = sender}, From::sender);
}

void Registrar::introduce(base::Fd outbox) {
  siblings_.introduce(std::move(outbox));
  if (informed_)
    tell_newcomers();
  else
    siblings_.say_nothing_known();
}

void Registrar::be_informed() {
  informed_ = true;
  tell_newcomers();
}

void Registrar::tell_newcomers() {
  siblings_.tell_newcomers([this](const Siblings::Say& say) {
    for (const auto& [key, pool] : nodes_.pools())
      for (const auto& node : pool.nodes())
        if (!node->dead && !node->datagram.empty())
          say({.datagram = node->datagram, .sender = node->sender, .at = node->heard});
    departures_.tell(say, unix_time_of(base::Clock::now()));
  });
}

/// Only of nodes that were there: a leave costs who signs it nothing.
void Registrar::note_departure(const wire::Subscription& packet,
                               const HeardPacket& heard) {
  if (!siblings_.any() || !policy_.verifies()) return;
  if (!packet.leave) return departures_.forget(packet);
  if (!heard.left) return;
  const auto departed = policy_.departed(packet, unix_time_of(heard.at));
  departures_.note(packet, heard, departed.holder, departed.until);
}

void Registrar::judge(const HeardPacket& heard, From from) {
  const auto packet = wire::decode_subscription(heard.datagram);
  if (!packet) {
    if (may_tell())
      log_.warn("subscription: refused pid={} reason=\"{}\"", heard.sender.pid,
                packet.error());
    return;
  }
  const std::string why = refuse(*packet, heard);
  if (why.empty()) return apply(*packet, heard, from);
  // Two siblings may tell of the same packet, and its first hearer has told of it.
  if (from == From::sibling) return;
  if (may_tell())
    log_.warn("subscription: refused key={} node={} pid={} reason=\"{}\"",
              base::printable(packet->key), base::printable(packet->address),
              heard.sender.pid, base::printable(why));
}

std::string Registrar::refuse(const wire::Subscription& packet,
                              const HeardPacket& heard) {
  if (const auto address = parse_node_address(packet.address); !address)
    return address.error().message();
  if (!packet.proto.empty() && !parse_protocol(packet.proto))
    return "it speaks an unknown protocol";
  if (upstream_.is_ours(packet.address))
    return "it is this router's own, told upstream and come round";
  const auto why = policy_.refuse(packet, heard.sender, unix_time_of(heard.at));
  for (const auto& note : policy_.take_notes())
    if (may_tell()) log_.warn("subscription: {}", base::printable(note));
  return why.value_or("");
}

void Registrar::apply(const wire::Subscription& packet,
                      const HeardPacket& heard,
                      From from) {
  using Outcome = Subscriptions::Outcome;
  const auto outcome = nodes_.apply(packet, heard.at, heard.sender);
  const bool direct = from == From::sender;
  if (outcome == Outcome::refused) {
    if (direct && may_tell())
      log_.warn("subscription: refused key={} node={} pid={} reason=\"{}\"",
                base::printable(packet.key), base::printable(packet.address),
                heard.sender.pid,
                "too many keys, too many nodes, or too many of this key");
    return;
  }
  if (!packet.leave) nodes_.set_listener(packet, policy_.listener_of(heard.sender));
  if (siblings_.any() && !packet.leave) nodes_.keep(packet, heard.datagram);
  HeardPacket told = heard;
  told.left = heard.left || outcome == Outcome::left;
  note_departure(packet, told);
  if (outcome == Outcome::added && may_tell())
    log_.info("subscription: new node key={} node={} weight={}",
              base::printable(packet.key), base::printable(packet.address),
              packet.weight);
  if (outcome == Outcome::left && may_tell())
    log_.info("subscription: node left key={} node={}", base::printable(packet.key),
              base::printable(packet.address));
  if (!direct) return;
  if (outcome == Outcome::added) acknowledge(packet, heard.sender);
  siblings_.tell_all(told);
  // Upstream we are all nodes of a key together.
  const bool is_last = outcome == Outcome::left && !nodes_.any_alive(packet.key);
  if (!packet.leave || is_last) upstream_.tell(packet);
}

/// Whoever may send may also fill our log: it takes so many lines in so much time.
bool Registrar::may_tell() {
  const auto now = base::Clock::now();
  if (now - told_since_ > kTellTime) {
    if (told_ > kTellMost)
      log_.warn("subscription: {} lines more were not told", told_ - kTellMost);
    told_since_ = now;
    told_ = 0;
  }
  return ++told_ <= kTellMost;
}

/// As uWSGI words it; who cannot take it now does without. Only to a socket in the file
/// system that is the sender's own: anything else (an address of a forged sender,
/// another's socket, a name without an owner) would have us write to whom he likes.
void Registrar::acknowledge(const wire::Subscription& packet,
                            const Sender& sender) const {
  if (!packet.notify.starts_with('/') || !sender.uid) return;
  const base::Fd file(
      ::open(std::string(packet.notify).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat s{};
  if (!file || ::fstat(file.get(), &s) != 0 || !S_ISSOCK(s.st_mode) ||
      s.st_uid != *sender.uid)
    return;
  // Just this one, whatever stands at the path by now.
  const auto where = parse_node_address("/proc/self/fd/" + std::to_string(file.get()));
  if (!where) return;
  const base::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::string text = "[subscription ack] ";
  text.append(base::printable(packet.key))
      .append(" => new node: ")
      .append(base::printable(packet.address));
  static_cast<void>(::sendto(socket.get(), text.data(), text.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL, where->get(), where->size));
}

}  // namespace router
