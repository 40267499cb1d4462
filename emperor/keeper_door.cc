#include "emperor/keeper_door.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/wire/keeper.h"

namespace emperor {

namespace verbs = wire::keeper;

base::Result<> KeeperDoor::open(const std::string& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (path.size() >= sizeof(where.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(where.sun_path, path.c_str(), path.size());
  listener_ =
      base::Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) return base::fail_errno("socket");
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where));
  ::umask(before);
  if (bound != 0 || ::listen(listener_.get(), 8) != 0)
    return base::fail_errno("bind " + path);
  path_ = path;
  struct stat s{};
  if (::lstat(path.c_str(), &s) == 0) inode_ = s.st_ino;
  poll_ = std::make_unique<uvx::Poll>(loop_, listener_.get());
  tasks_.spawn(accept());
  return {};
}

bool KeeperDoor::still_ours() const {
  struct stat s{};
  return ::lstat(path_.c_str(), &s) != 0 || s.st_ino == inode_;
}

void KeeperDoor::close() {
  if (!poll_) return;
  poll_->close();
  if (still_ours()) ::unlink(path_.c_str());
}

uvx::Task<void> KeeperDoor::accept() {
  for (;;) {
    base::Fd connection(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection)
      tasks_.spawn(hear(std::move(connection)));
    else if (!co_await poll_->readable())
      co_return;
  }
}

uvx::Task<void> KeeperDoor::hear(base::Fd connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  if (peer.uid != ::geteuid()) co_return;
  auto channel = std::make_shared<MessageChannel>(loop_, tasks_, std::move(connection));
  const auto wish = co_await channel->receive();
  if (wish && wish->message.verb == verbs::kTakeOver) {
    const auto refusal = decide_(channel, peer.pid);
    if (!refusal) co_return;
    if (refusal->empty()) {
      channel->close();
      co_return;
    }
    log_.info("emperor: another keeper was refused pid={} reason=\"{}\"", peer.pid,
              *refusal);
    channel->send(wire::Message{verbs::kRefused, {}}.set("reason", *refusal));
  }
  channel->close();
}

}  // namespace emperor
