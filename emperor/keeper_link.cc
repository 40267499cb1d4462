#include "emperor/keeper_link.h"

#include "base/wire/keeper.h"

namespace emperor {

namespace verbs = wire::keeper;

void KeeperLink::say(const char* verb, const std::string& name, int fd) {
  if (lost_) return;
  wire::Message message{verb, {}};
  if (!name.empty()) message.set("name", name);
  channel_->send(message, std::span<const int>(&fd, fd >= 0 ? 1 : 0));
}

void KeeperLink::hold(const std::string& name, int fd) {
  say(verbs::kHold, name, fd);
}
void KeeperLink::release(const std::string& name) {
  say(verbs::kRelease, name);
}
void KeeperLink::noted(pid_t pid) {
  say(verbs::kNoted, std::to_string(pid));
}
void KeeperLink::up() {
  say(verbs::kUp);
}
void KeeperLink::shutting_down() {
  say(verbs::kShutdown);
}

uvx::Task<base::Result<Held>> KeeperLink::fetch() {
  say(verbs::kFetch);
  Held held;
  for (;;) {
    auto incoming = co_await channel_->receive();
    if (!incoming) co_return std::unexpected(incoming.error());
    const auto& verb = incoming->message.verb;
    if (verb == verbs::kHeldEnd) co_return held;
    if (verb == verbs::kHeld && incoming->fds.size() == 1)
      held[std::string(incoming->message.get("name"))] = std::move(incoming->fds.front());
    else
      early_.push_back(*std::move(incoming));
  }
}

uvx::Task<base::Result<Incoming>> KeeperLink::receive() {
  if (!early_.empty()) {
    Incoming first = std::move(early_.front());
    early_.pop_front();
    co_return first;
  }
  auto incoming = co_await channel_->receive();
  if (!incoming) lost_ = true;
  co_return incoming;
}

}  // namespace emperor
