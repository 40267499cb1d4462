#include "emperor/tenant_log.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "base/fd_passing.h"
#include "base/uv/poll.h"
#include "emperor/log_files.h"
#include "emperor/tenant_child.h"

namespace emperor {

namespace {

constexpr auto kOpenTime = std::chrono::seconds(2);

/// What the child works from, copied by the clone.
struct OpenWork {
  const char* path;
  const vassal::Identity* identity;
  std::span<const std::string> names;
  int channel;
};

struct OpenAnswer {
  int error = 0;
  int emptied = 0;
};

/// Without O_NONBLOCK a FIFO would keep the child for ever.
int open_with(const char* path, int mode) {
  constexpr int kFlags =
      O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  return ::open(path, mode | kFlags, 0640);
}

/// 0 or an errno; *fd is the open file then. Readable too if it may be read.
int open_for_appending(const char* path, int* fd) {
  *fd = open_with(path, O_RDWR);
  if (*fd < 0 && errno == EACCES) *fd = open_with(path, O_WRONLY);
  if (*fd < 0) return errno;
  struct stat s{};
  if (::fstat(*fd, &s) != 0) return errno;
  if (!S_ISREG(s.st_mode)) return EINVAL;
  struct statfs where{};
  if (::fstatfs(*fd, &where) != 0) return errno;
  if (where.f_type == FUSE_SUPER_MAGIC) return ENOTSUP;
  return ::fcntl(*fd, F_SETFL, O_APPEND) == 0 ? 0 : errno;
}

[[noreturn]] void open_in_child(void* argument) {
  const auto& work = *static_cast<const OpenWork*>(argument);
  int fd = -1;
  OpenAnswer answer;
  answer.error = close_all_but(work.channel);
  if (answer.error == 0) answer.error = vassal::raw::reset_signals();
  if (answer.error == 0) answer.error = become(work.identity);
  if (answer.error == 0 && !work.names.empty())
    answer.emptied = put_away(work.names) == 0 ? 0 : 1;
  if (answer.error == 0) answer.error = open_for_appending(work.path, &fd);
  if (answer.error == 0 && answer.emptied != 0 && ::ftruncate(fd, 0) != 0)
    answer.error = errno;
  (void)base::send_with_fds(work.channel,
                            {reinterpret_cast<const char*>(&answer), sizeof(answer)},
                            std::span<const int>(&fd, answer.error == 0 ? 1 : 0));
  ::_exit(0);
}

}  // namespace

uid_t owner_of(const std::optional<vassal::Identity>& identity) {
  return identity ? identity->uid : ::geteuid();
}

uvx::Task<base::Result<TenantLog>> open_tenant_log(
    uvx::Loop& loop,
    std::string path,
    std::optional<vassal::Identity> identity,
    Strays& strays,
    std::vector<std::string> put_away) {
  const uid_t owner = owner_of(identity);
  if (strays.too_many(owner))
    co_return base::fail("logto " + path + ": it took too long too often");
  auto pair = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
  if (!pair) co_return std::unexpected(pair.error());
  OpenWork work{path.c_str(), identity ? &*identity : nullptr, put_away,
                pair->second.get()};
  auto child = vassal::clone_child(vassal::Parent::us, -1, open_in_child, &work);
  if (!child) co_return std::unexpected(child.error());
  pair->second.reset();
  std::array<char, 16> buffer{};
  base::Result<base::Received> received = base::fail(ETIMEDOUT, "logto " + path);
  {
    uvx::Poll poll(loop, pair->first.get());
    (void)co_await poll.readable(base::Deadline::in(kOpenTime));
    received = base::receive_with_fds(pair->first.get(), buffer);
  }
  (void)child->signal(SIGKILL);  // it has done what it was there for, or never will
  if (!co_await end_child(loop, *child, {})) strays.add(owner, *std::move(child));
  if (!received) co_return base::fail(received.error().code.value(), "logto " + path);
  OpenAnswer answer;
  if (received->size != sizeof(answer))
    co_return base::fail("logto " + path + ": the opening child died");
  std::memcpy(&answer, buffer.data(), sizeof(answer));
  if (answer.error == EINVAL)
    co_return base::fail("logto " + path + ": it is no regular file");
  if (answer.error == ENOTSUP)
    co_return base::fail("logto " + path + ": its file system is served by a user");
  if (answer.error != 0 || received->fds.size() != 1)
    co_return base::fail(answer.error, "logto " + path);
  co_return TenantLog{std::move(received->fds.front()), answer.emptied != 0};
}

}  // namespace emperor
