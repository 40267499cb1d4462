#include "emperor/tenant_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/uv/poll.h"
#include "emperor/tenant_child.h"
#include "vassal/bind.h"
#include "vassal/ids.h"

namespace emperor {

namespace {

using namespace std::chrono_literals;

constexpr auto kBindTime = 10s;

struct Owner {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
};

/// "user", "user:group", ":group"
base::Result<Owner> owner_of(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == text.npos ? "" : text.substr(colon + 1);
  Owner owner;
  if (!user.empty()) {
    TRY_ASSIGN(owner.uid, vassal::user_id(user));
  }
  if (!group.empty()) {
    TRY_ASSIGN(owner.gid, vassal::group_id(group));
  }
  return owner;
}

/// What the unlinking child works from.
struct UnlinkWork {
  const char* path;
  uint64_t device;
  uint64_t inode;
  const vassal::Identity* identity;
};

[[noreturn]] void unlink_in_child(void* argument) {
  const auto& work = *static_cast<const UnlinkWork*>(argument);
  // Nothing of ours stays open in a process that a tenant may stop or slow down.
  if (::close_range(0, ~0U, 0) != 0 || vassal::raw::reset_signals() != 0) ::_exit(1);
  if (become(work.identity) != 0) ::_exit(1);
  struct stat s{};
  if (::lstat(work.path, &s) == 0 && s.st_dev == work.device && s.st_ino == work.inode)
    ::unlink(work.path);
  ::_exit(0);
}

/// Applies chown-socket where there is a file and somebody to take it from.
base::Result<> give_away(const std::string& chown_to,
                         const vassal::BoundSocket& bound,
                         const TenantSocket& socket) {
  if (chown_to.empty() || socket.path.empty() || !socket.identity) return {};
  const auto owner = owner_of(chown_to);
  if (!owner) return base::wrap(owner.error(), "chown-socket");
  return vassal::chown_socket(socket.path, bound, socket.identity->uid, owner->uid,
                              owner->gid);
}

vassal::BindRequest request_for(const vassal::VassalConfig& config,
                                const TenantSocket& socket,
                                const vassal::SocketAddress& address) {
  vassal::BindRequest request;
  request.address = address;
  if (config.listen) request.backlog = static_cast<int>(*config.listen);
  request.mode = config.chmod_socket;
  if (config.umask) request.umask = *config.umask;
  request.identity = socket.identity;
  return request;
}

/// Waits for the child's answer.
uvx::Task<base::Result<vassal::BoundSocket>> finish(uvx::Loop& loop,
                                                    vassal::BindChild& child) {
  const auto deadline = base::Deadline::in(kBindTime);
  uvx::Poll poll(loop, child.fd());
  for (;;) {
    auto bound = child.finish();
    if (!bound) co_return std::unexpected(bound.error());
    std::optional<vassal::BoundSocket> answer = *std::move(bound);
    if (answer) co_return *std::move(answer);
    if (auto ready = co_await poll.readable(deadline); !ready)
      co_return std::unexpected(ready.error());
  }
}

}  // namespace

uvx::Task<base::Result<TenantSocket>> bind_socket(
    uvx::Loop& loop,
    const vassal::VassalConfig& config,
    vassal::SocketAddress address,
    std::optional<vassal::Identity> identity) {
  TenantSocket socket;
  if (address.kind == vassal::SocketAddress::Kind::unix_path) socket.path = address.path;
  socket.identity = std::move(identity);
  const std::string chown_to = config.chown_socket;
  auto child = vassal::BindChild::start(request_for(config, socket, address));
  if (!child) co_return std::unexpected(child.error());
  auto bound = co_await finish(loop, *child);
  if (!bound) co_return base::wrap(bound.error(), "bind " + address.text);
  if (auto given = give_away(chown_to, *bound, socket); !given)
    co_return std::unexpected(given.error());
  socket.device = bound->device;
  socket.inode = bound->inode;
  socket.fd = std::move(bound->socket);
  co_return socket;
}

uvx::Task<void> unlink_socket(uvx::Loop& loop, TenantSocket socket) {
  socket.fd.reset();
  if (socket.path.empty()) co_return;
  UnlinkWork work{socket.path.c_str(), socket.device, socket.inode,
                  socket.identity ? &*socket.identity : nullptr};
  auto child = vassal::clone_child(vassal::Parent::us, -1, unlink_in_child, &work);
  if (!child) co_return;
  (void)co_await end_child(loop, *child);
}

}  // namespace emperor
