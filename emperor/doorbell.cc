#include "emperor/doorbell.h"

#include <sys/epoll.h>

#include <array>
#include <system_error>

namespace emperor {

namespace {
base::Fd make_epoll() {
  base::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return epoll;
}
}  // namespace

Doorbell::Doorbell(uvx::Loop& loop) : epoll_(make_epoll()), poll_(loop, epoll_.get()) {}

base::Result<> Doorbell::watch(int fd, uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  if (errno == EEXIST && ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0)
    return {};
  return base::fail_errno("watch a sleeper's descriptor");
}

void Doorbell::unwatch(int fd) {
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

uvx::Task<base::Result<std::vector<uint64_t>>> Doorbell::rung() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    if (n > 0) {
      std::vector<uint64_t> ids;
      ids.reserve(static_cast<size_t>(n));
      for (int i = 0; i < n; ++i) {
        const uint64_t id = events[static_cast<size_t>(i)].data.u64;  // packed: by value
        ids.push_back(id);
      }
      co_return ids;
    }
    if (auto ready = co_await poll_.readable(); !ready)
      co_return std::unexpected(ready.error());
  }
}

}  // namespace emperor
