#include "router/siblings.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/fd_passing.h"
#include "base/wire/message.h"

namespace router {

namespace {

constexpr char kHeard[] = "heard";
constexpr char kThatWasAll[] = "that-was-all";         // serial: of who says it
constexpr char kKnowsNothing[] = "knows-nothing-yet";  // serial
/// For one sibling, of what is heard now. What it is told at first is bounded by what is
/// kept.
constexpr size_t kMostUnsent = 64 * 1024 * 1024;
constexpr size_t kMostMessage = 8 * 1024;
/// Messages before others get their turn.
constexpr int kBatch = 64;

/// `teller`: who says it as a part of all that he knows; else 0.
std::optional<std::string> to_bytes(const HeardPacket& packet, uint64_t teller = 0) {
  wire::Message message{.verb = kHeard, .fields = {}};
  if (teller != 0) message.set("serial", teller);
  if (packet.sender.uid) message.set("uid", *packet.sender.uid);
  if (packet.sender.gid) message.set("gid", *packet.sender.gid);
  message.set("pid", static_cast<uint64_t>(packet.sender.pid));
  if (packet.sender.remote) message.set("remote", "1");
  if (packet.sender.network != 0) message.set("network", packet.sender.network);
  // When, not how long ago: what takes its time on the way must not seem newer for that.
  message.set("at", base::to_wire(packet.at));
  if (packet.left) message.set("left", "1");
  message.set("packet", std::string(packet.datagram));
  return wire::encode(message);
}

/// Views point into the message.
std::optional<HeardPacket> from_message(const wire::Message& message) {
  if (message.verb != kHeard) return std::nullopt;
  HeardPacket packet{.datagram = message.get("packet"), .sender = {}};
  if (const auto uid = message.number("uid"))
    packet.sender.uid = static_cast<uid_t>(*uid);
  if (const auto gid = message.number("gid"))
    packet.sender.gid = static_cast<gid_t>(*gid);
  packet.sender.pid = static_cast<pid_t>(message.number("pid").value_or(0));
  packet.sender.remote = message.get("remote") == "1";
  packet.sender.network = message.number("network").value_or(0);
  packet.left = message.get("left") == "1";
  if (const auto at = message.number("at"))
    packet.at = std::min(base::from_wire(*at), packet.at);
  return packet;
}

}  // namespace

struct Siblings::Inbox {
  Inbox(uvx::Loop& loop, base::Fd from) : fd(std::move(from)), poll(loop, fd.get()) {}
  base::Fd fd;
  uvx::Poll poll;
};

struct Siblings::Unsent {
  std::string bytes;
  bool live;
};

struct Siblings::Outbox {
  Outbox(uvx::Loop& loop, base::Fd to) : fd(std::move(to)), poll(loop, fd.get()) {}
  base::Fd fd;
  uvx::Poll poll;
  std::deque<Unsent> unsent;
  size_t live = 0;  // bytes of what is heard now
  bool writing = false;
  bool told = false;  // all that was known when they met
};

Siblings::Siblings(uvx::Loop& loop, uvx::TaskGroup& tasks, Hear hear)
    : loop_(loop), tasks_(tasks), hear_(std::move(hear)) {}

void Siblings::listen_at(base::Fd inbox, uint64_t serial) {
  if (inbox_) inbox_->poll.close();
  serial_ = serial;
  told_by_.clear();  // whoever starts us anew counts anew
  knows_nothing_.clear();
  inbox_ = std::make_shared<Inbox>(loop_, std::move(inbox));
  tasks_.spawn(read(this, inbox_));
}

void Siblings::introduce(base::Fd outbox) {
  outboxes_.push_back(std::make_shared<Outbox>(loop_, std::move(outbox)));
}

void Siblings::tell_all(const HeardPacket& packet) {
  if (outboxes_.empty()) return;
  const auto bytes = to_bytes(packet);
  // A copy: one whose process is gone leaves the list.
  for (const auto& outbox : std::vector(outboxes_))
    if (bytes && outbox->live + bytes->size() <= kMostUnsent)
      push(outbox, {*bytes, true});
}

void Siblings::tell_newcomers(const std::function<void(const Say&)>& picture) {
  std::vector<std::shared_ptr<Outbox>> newcomers;
  for (const auto& outbox : outboxes_)
    if (!std::exchange(outbox->told, true)) newcomers.push_back(outbox);
  if (newcomers.empty()) return;
  const auto push_all = [&](const std::optional<std::string>& bytes) {
    for (const auto& outbox : newcomers)
      if (bytes) push(outbox, {*bytes, false});
  };
  picture([&](const HeardPacket& packet) { push_all(to_bytes(packet, serial_)); });
  wire::Message end{.verb = kThatWasAll, .fields = {}};
  push_all(wire::encode(end.set("serial", serial_)));
}

void Siblings::say_nothing_known() {
  wire::Message message{.verb = kKnowsNothing, .fields = {}};
  const auto bytes = wire::encode(message.set("serial", serial_));
  for (const auto& outbox : std::vector(outboxes_))
    if (bytes && !outbox->told) push(outbox, {*bytes, false});
}

void Siblings::expect(const std::vector<uint64_t>& tellers,
                      const std::vector<uint64_t>& perhaps) {
  expected_.clear();
  perhaps_.clear();
  told_at_ = base::Clock::now();
  for (const uint64_t teller : tellers)
    if (!told_by_.contains(teller)) expected_.insert(teller);
  for (const uint64_t teller : perhaps) {
    if (told_by_.contains(teller) || knows_nothing_.contains(teller)) continue;
    expected_.insert(teller);
    perhaps_.insert(teller);
  }
}

void Siblings::forget(uint64_t serial) {
  expected_.erase(serial);
}

void Siblings::push(const std::shared_ptr<Outbox>& outbox, Unsent unsent) {
  if (unsent.live) outbox->live += unsent.bytes.size();
  outbox->unsent.push_back(std::move(unsent));
  if (!std::exchange(outbox->writing, true)) tasks_.spawn(write(this, outbox));
}

uvx::Task<void> Siblings::write(Siblings* self, std::shared_ptr<Outbox> outbox) {
  while (!outbox->unsent.empty()) {
    const Unsent& next = outbox->unsent.front();
    const auto sent = base::send_with_fds(outbox->fd.get(), next.bytes, {});
    if (!sent && sent.error().is(std::errc::resource_unavailable_try_again)) {
      if (co_await outbox->poll.writable()) continue;
      co_return;
    }
    if (!sent) {  // its process is gone
      std::erase(self->outboxes_, outbox);
      outbox->poll.close();
      co_return;
    }
    if (next.live) outbox->live -= next.bytes.size();
    outbox->unsent.pop_front();
  }
  outbox->writing = false;
}

uvx::Task<void> Siblings::read(Siblings* self, std::shared_ptr<Inbox> inbox) {
  std::array<char, kMostMessage> buffer;
  do {
    for (int n = 0; n < kBatch; ++n) {
      const auto received = base::receive_with_fds(inbox->fd.get(), buffer);
      if (!received && received.error().is(std::errc::message_size)) continue;
      if (!received) break;
      if (received->size == 0) co_return inbox->poll.close();
      self->take({buffer.data(), received->size});
    }
  } while (co_await inbox->poll.readable());
}

void Siblings::take(std::string_view bytes) {
  const auto message = wire::decode_message(bytes);
  if (!message) return;
  if (const auto teller = message->number("serial")) {
    if (expected_.contains(*teller)) told_at_ = base::Clock::now();
    if (message->verb == kThatWasAll) {
      expected_.erase(*teller);
      told_by_.insert(*teller);
    } else if (message->verb == kKnowsNothing) {
      knows_nothing_.insert(*teller);
      if (perhaps_.contains(*teller)) expected_.erase(*teller);
    }
  }
  if (const auto packet = from_message(*message)) hear_(*packet);
}

void Siblings::close() {
  if (inbox_) inbox_->poll.close();
  for (const auto& outbox : outboxes_)
    outbox->poll.close();
  inbox_.reset();
  outboxes_.clear();
}

}  // namespace router
