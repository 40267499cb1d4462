#include "router/node_links.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/fd_passing.h"
#include "base/uv/poll.h"
#include "router/node_address.h"

namespace router {

namespace {

/// A unix socket whose backlog is full says so at once and cannot be waited for.
constexpr base::Duration kBacklogRetry = std::chrono::milliseconds(5);
constexpr base::Duration kLongestRetry = std::chrono::milliseconds(160);
constexpr base::Duration kLook = std::chrono::seconds(1);

std::string key_of(const std::string& address, Protocol protocol) {
  return std::string(name_of(protocol)) + ' ' + address;
}

/// The node has neither closed it nor said anything unasked.
bool is_quiet(int connection) {
  char byte = 0;
  return ::recv(connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

std::unique_ptr<PlainStream> NodeLinks::take(const std::string& address,
                                             Protocol protocol) {
  const auto links = links_.find(key_of(address, protocol));
  if (links == links_.end()) return nullptr;
  std::unique_ptr<PlainStream> taken;
  while (!taken && !links->second.empty()) {
    // The one that served last: the others may go.
    Kept last = std::move(links->second.back());
    links->second.pop_back();
    --kept_;
    if (last.until > base::Clock::now() && is_quiet(last.connection->fd()))
      taken = std::move(last.connection);
  }
  if (links->second.empty()) links_.erase(links);
  return taken;
}

void NodeLinks::make_way(const std::string& address, Protocol protocol) {
  const auto links = links_.find(key_of(address, protocol));
  if (links == links_.end()) return;
  links->second.pop_front();
  --kept_;
  if (links->second.empty()) links_.erase(links);
}

void NodeLinks::keep(const std::string& address,
                     Protocol protocol,
                     std::unique_ptr<PlainStream> connection) {
  if (closed_ || kept_ >= kMostOfAll) return;
  auto& links = links_[key_of(address, protocol)];
  if (links.size() >= kMostOfNode) return;
  links.push_back({std::move(connection), base::Clock::now() + kKept});
  if (kept_++ == 0) timer_.cancel();
}

uvx::Task<base::Result<base::Fd>> NodeLinks::connect(std::string_view address,
                                                     base::Deadline deadline) {
  const auto where = parse_node_address(address);
  if (!where) co_return std::unexpected(where.error());
  base::Fd socket(
      ::socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return base::fail_errno("socket for a node");
  base::refuse_descriptors(socket.get());
  base::Duration pause = kBacklogRetry;
  while (::connect(socket.get(), where->get(), where->size) != 0) {
    if (errno == EINPROGRESS) {
      uvx::Poll poll(loop_, socket.get());
      if (auto ready = co_await poll.writable(deadline); !ready)
        co_return std::unexpected(ready.error());
      if (const int error = pending_error(socket.get()); error != 0)
        co_return base::fail(error, "connect");
      break;
    }
    if (errno != EAGAIN || deadline.passed()) co_return base::fail_errno("connect");
    static_cast<void>(co_await loop_.sleep_for(pause));
    pause = std::min(2 * pause, kLongestRetry);
  }
  co_return socket;
}

void NodeLinks::expire(base::Instant now) {
  for (auto it = links_.begin(); it != links_.end();) {
    auto& links = it->second;
    for (; !links.empty() && links.front().until <= now; --kept_)
      links.pop_front();
    it = links.empty() ? links_.erase(it) : std::next(it);
  }
}

uvx::Task<void> NodeLinks::run() {
  while (!closed_) {
    const auto now = base::Clock::now();
    expire(now);
    static_cast<void>(co_await timer_.sleep_until(
        kept_ == 0 ? base::Deadline() : base::Deadline(now + kLook)));
  }
  links_.clear();
}

void NodeLinks::close() {
  closed_ = true;
  timer_.cancel();
}

}  // namespace router
