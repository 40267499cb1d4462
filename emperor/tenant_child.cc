#include "emperor/tenant_child.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/uv/poll.h"

namespace emperor {

namespace {
constexpr size_t kMostStrays = 3;
constexpr auto kKillTime = std::chrono::seconds(1);
}  // namespace

int close_all_but(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  if (fd > 0 && ::close_range(0, kept - 1, 0) != 0) return errno;
  return ::close_range(kept + 1, ~0U, 0) == 0 ? 0 : errno;
}

int become(const vassal::Identity* identity) {
  if (identity == nullptr) return 0;
  namespace raw = vassal::raw;
  if (const int error = raw::set_groups(identity->groups.data(), identity->groups.size());
      error != 0)
    return error;
  if (const int error = raw::set_gid(identity->gid); error != 0) return error;
  if (const int error = raw::set_uid(identity->uid); error != 0) return error;
  return raw::verify_no_way_back(identity->uid, identity->gid);
}

uvx::Task<bool> end_child(uvx::Loop& loop,
                          const base::Pidfd& child,
                          base::Duration patience) {
  uvx::Poll poll(loop, child.fd());
  for (bool killed = false;; killed = true) {
    const auto deadline = base::Deadline::in(killed ? kKillTime : patience);
    const auto woken = co_await poll.readable(deadline);
    if (const auto ended = child.try_wait(); !ended || *ended) co_return true;
    if (woken) continue;
    if (killed) co_return false;
    (void)child.signal(SIGKILL);
  }
}

bool Strays::too_many(uid_t owner) {
  auto [at, end] = all_.equal_range(owner);
  while (at != end) {
    const auto ended = at->second.try_wait();
    at = !ended || *ended ? all_.erase(at) : std::next(at);
  }
  return all_.count(owner) >= kMostStrays;
}

}  // namespace emperor
