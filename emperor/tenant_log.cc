#include "emperor/tenant_log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/fd_passing.h"
#include "base/uv/poll.h"
#include "emperor/tenant_child.h"

namespace emperor {

namespace {

constexpr auto kOpenTime = std::chrono::seconds(10);

/// What the child works from, copied by the clone.
struct OpenWork {
  const char* path;
  const vassal::Identity* identity;
  int channel;
};

/// 0 or an errno; *fd is the open file then.
int open_for_appending(const char* path, int* fd) {
  // Without O_NONBLOCK a FIFO would keep the child for ever.
  *fd = ::open(
      path,
      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
      0640);
  if (*fd < 0) return errno;
  struct stat s{};
  if (::fstat(*fd, &s) != 0) return errno;
  if (!S_ISREG(s.st_mode)) return EINVAL;
  return ::fcntl(*fd, F_SETFL, O_APPEND) == 0 ? 0 : errno;
}

[[noreturn]] void open_in_child(void* argument) {
  const auto& work = *static_cast<const OpenWork*>(argument);
  int fd = -1;
  int error = close_all_but(work.channel);
  if (error == 0) error = vassal::raw::reset_signals();
  if (error == 0) error = become(work.identity);
  if (error == 0) error = open_for_appending(work.path, &fd);
  (void)base::send_with_fds(work.channel,
                            {reinterpret_cast<const char*>(&error), sizeof(error)},
                            std::span<const int>(&fd, error == 0 ? 1 : 0));
  ::_exit(0);
}

}  // namespace

uvx::Task<base::Result<base::Fd>> open_tenant_log(
    uvx::Loop& loop, std::string path, std::optional<vassal::Identity> identity) {
  auto pair = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
  if (!pair) co_return std::unexpected(pair.error());
  OpenWork work{path.c_str(), identity ? &*identity : nullptr, pair->second.get()};
  auto child = vassal::clone_child(vassal::Parent::us, -1, open_in_child, &work);
  if (!child) co_return std::unexpected(child.error());
  pair->second.reset();
  std::array<char, 16> buffer{};
  base::Result<base::Received> answer = base::fail(ETIMEDOUT, "logto " + path);
  {
    uvx::Poll poll(loop, pair->first.get());
    (void)co_await poll.readable(base::Deadline::in(kOpenTime));
    answer = base::receive_with_fds(pair->first.get(), buffer);
  }
  co_await end_child(loop, *child);
  int error = 0;
  if (!answer) co_return base::fail(answer.error().code.value(), "logto " + path);
  if (answer->size != sizeof(error))
    co_return base::fail("logto " + path + ": the opening child died");
  std::memcpy(&error, buffer.data(), sizeof(error));
  if (error == EINVAL) co_return base::fail("logto " + path + ": it is no regular file");
  if (error != 0 || answer->fds.size() != 1) co_return base::fail(error, "logto " + path);
  co_return std::move(answer->fds.front());
}

}  // namespace emperor
