#include "emperor/keeper_seat.h"

#include <poll.h>
#include <signal.h>

#include <array>
#include <span>

#include "base/wire/keeper.h"

namespace emperor {

namespace verbs = wire::keeper;

void Seat::kill() const {
  (void)process_.signal(SIGKILL);
}

short Seat::events() const {
  return static_cast<short>(POLLIN | (outgoing_.empty() ? 0 : POLLOUT));
}

void Seat::tell(std::string verb, std::string name, int status) {
  if (channel_) outgoing_.push_back({std::move(verb), std::move(name), status});
}

void Seat::tell_everything(const Held& held, const Exits& exits) {
  for (const auto& [name, fd] : held)
    tell(verbs::kHeld, name);
  for (const auto& [pid, status] : exits)
    tell(verbs::kExited, pid, status);
  tell(verbs::kHeldEnd);
}

void Seat::flush(const Held& held) {
  while (!outgoing_.empty() && channel_) {
    if (!send(outgoing_.front(), held)) return;
    outgoing_.pop_front();
  }
}

bool Seat::send(const Outgoing& outgoing, const Held& held) {
  wire::Message message{outgoing.verb, {}};
  int fd = -1;
  if (outgoing.verb == verbs::kHeld) {
    const auto found = held.find(outgoing.name);
    if (found == held.end()) return true;
    fd = found->second.get();
  }
  if (outgoing.verb == verbs::kExited)
    message.set("pid", outgoing.name)
        .set("status", static_cast<uint64_t>(outgoing.status));
  else if (outgoing.verb == verbs::kUpgradeFailed)
    message.set("reason", outgoing.name);
  else if (outgoing.verb == verbs::kGo)
    message.set("routers", static_cast<uint64_t>(outgoing.status));
  else if (!outgoing.name.empty())
    message.set("name", outgoing.name);
  const auto bytes = wire::encode(message);
  if (!bytes) return true;
  const auto sent = base::send_with_fds(channel_.get(), *bytes,
                                        std::span<const int>(&fd, fd >= 0 ? 1 : 0));
  // ETOOMANYREFS: too many descriptors of ours are in flight; the emperor has to take
  // some first.
  return sent || (!sent.error().is(std::errc::resource_unavailable_try_again) &&
                  sent.error().code.value() != ETOOMANYREFS);
}

std::optional<Seat::Said> Seat::hear() {
  static std::array<char, 65600> buffer;
  while (channel_) {
    auto received = base::receive_with_fds(channel_.get(), buffer);
    if (!received && received.error().is(std::errc::resource_unavailable_try_again))
      return {};
    if (!received || received->size == 0) {
      channel_.reset();
      outgoing_.clear();
      return {};
    }
    auto message = wire::decode_message({buffer.data(), received->size});
    if (!message) continue;
    Said said{*std::move(message), {}};
    if (received->fds.size() == 1) said.fd = std::move(received->fds.front());
    return said;
  }
  return {};
}

}  // namespace emperor
