#include "emperor/keeper_link.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/fd_passing.h"
#include "base/files.h"
#include "base/wire/keeper.h"

namespace emperor {

namespace verbs = wire::keeper;

pid_t parent_of(pid_t pid) {
  const auto stat = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat) return 0;
  // "PID (name) STATE PPID": the name may hold anything, parentheses included.
  const size_t end = stat->rfind(')');
  if (end == stat->npos || end + 4 >= stat->size()) return 0;
  return static_cast<pid_t>(std::strtol(stat->c_str() + end + 4, nullptr, 10));
}

KeeperLink::KeeperLink(std::shared_ptr<MessageChannel> channel, base::Fd lock)
    : channel_(std::move(channel)), lock_(std::move(lock)) {
  if (auto process = base::Pidfd::open(::getppid())) process_ = *std::move(process);
}

void KeeperLink::say(const char* verb, const std::string& name, int fd) {
  if (lost_) return;
  wire::Message message{verb, {}};
  if (!name.empty()) message.set("name", name);
  channel_->send(message, std::span<const int>(&fd, fd >= 0 ? 1 : 0));
}

void KeeperLink::say_why(const char* verb, const std::string& reason) {
  channel_->send(wire::Message{verb, {}}.set("reason", reason));
}

void KeeperLink::hold(const std::string& name, int fd) {
  mine_.hold(name, fd);
  say(verbs::kHold, name, fd);
}
void KeeperLink::release(const std::string& name) {
  mine_.release(name);
  say(verbs::kRelease, name);
}
void KeeperLink::noted(pid_t pid) {
  say(verbs::kNoted, std::to_string(pid));
}
void KeeperLink::up() {
  say(verbs::kUp);
}
void KeeperLink::stopping() {
  say(verbs::kStopping);
}
void KeeperLink::shutting_down() {
  say(verbs::kShutdown);
}
void KeeperLink::can() {
  say(verbs::kCan);
}
void KeeperLink::cannot(const std::string& reason) {
  say_why(verbs::kCannot, reason);
}
void KeeperLink::ask_upgrade() {
  say(verbs::kUpgrade);
}
void KeeperLink::pong() {
  say(verbs::kPong);
}

void KeeperLink::left() {
  say(verbs::kLeft);
}

bool KeeperLink::wait_for_bye() const {
  std::array<char, 4096> buffer;
  for (;;) {
    pollfd wait{channel_->fd(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0) continue;
    const auto received = base::receive_with_fds(channel_->fd(), buffer);
    if (!received && !received.error().is(std::errc::resource_unavailable_try_again) &&
        !received.error().is(std::errc::message_size))
      return false;
    if (!received) continue;
    if (received->size == 0) return false;
    const auto message = wire::decode_message({buffer.data(), received->size});
    if (message && message->verb == verbs::kBye) return true;
  }
}

uvx::Task<base::Result<Held>> KeeperLink::fetch() {
  say(verbs::kFetch);
  mine_ = {};  // a candidate fetches twice: what is gone by the second time is gone
  Held held;
  for (;;) {
    auto incoming = co_await channel_->receive();
    if (!incoming) co_return std::unexpected(incoming.error());
    const auto& verb = incoming->message.verb;
    if (verb == verbs::kHeldEnd) break;
    if (verb == verbs::kHeld && incoming->fds.size() == 1)
      held[std::string(incoming->message.get("name"))] = std::move(incoming->fds.front());
    else
      early_.push_back(*std::move(incoming));
  }
  for (const auto& [name, fd] : held)
    mine_.hold(name, fd.get());
  co_return held;
}

uvx::Task<base::Result<Incoming>> KeeperLink::receive() {
  if (!early_.empty()) {
    Incoming first = std::move(early_.front());
    early_.pop_front();
    co_return first;
  }
  const auto channel = channel_;
  auto incoming = co_await channel->receive();
  // Another keeper came while we listened to the one before.
  if (!incoming && channel != channel_) co_return co_await receive();
  if (!incoming && !closed_) lost_ = true;
  co_return incoming;
}

void KeeperLink::attach(std::shared_ptr<MessageChannel> channel, pid_t pid) {
  if (!lost_) (void)process_.signal(SIGKILL);
  const auto before = std::exchange(channel_, std::move(channel));
  before->close();
  lost_ = false;
  parent_ = false;
  process_ = {};
  if (auto process = base::Pidfd::open(pid)) process_ = *std::move(process);
  say(verbs::kHold, verbs::kLockName, lock_.get());
  for (const auto& [name, fd] : mine_.all())
    say(verbs::kHold, name, fd.get());
  channel_->send(
      wire::Message{verbs::kTaken, {}}.set("pid", static_cast<uint64_t>(::getpid())));
}

bool KeeperLink::reaps(pid_t pid) const {
  return !lost_ && parent_ && parent_of(pid) == process_.pid();
}

pid_t KeeperLink::pid() const {
  return lost_ ? ::getpid() : process_.pid();
}

void KeeperLink::close() {
  closed_ = true;
  channel_->close();
}

}  // namespace emperor
