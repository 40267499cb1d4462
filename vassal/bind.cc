#include "vassal/bind.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/fd_passing.h"
#include "vassal/clone.h"

namespace vassal {

namespace {

constexpr int kEndMs = 100;

BindWork work_for(const BindRequest& request, const KernelAddress& address, int channel) {
  BindWork work;
  work.address = address;
  work.is_path = request.address.kind == SocketAddress::Kind::unix_path;
  work.backlog = request.backlog;
  work.has_mode = request.mode.has_value();
  work.mode = request.mode.value_or(0);
  work.umask = request.umask;
  work.identity = request.identity ? &*request.identity : nullptr;
  work.channel = channel;
  return work;
}

std::unexpected<base::Error> failed(const BindReport& report, const std::string& text) {
  std::string context = "socket " + text + ": " + name_of(report.step);
  if (report.error == EADDRINUSE) context += " (probably another instance is running)";
  return base::fail(report.error, std::move(context));
}

int remaining_ms(base::Deadline deadline) {
  if (deadline.is_never()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - base::Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

}  // namespace

base::Result<BindChild> BindChild::start(const BindRequest& request) {
  TRY_ASSIGN(const KernelAddress address, kernel_address(request.address));
  TRY_ASSIGN(base::FdPair channel, base::make_socketpair(SOCK_SEQPACKET));
  BindWork work = work_for(request, address, channel.second.get());
  TRY_ASSIGN(base::Pidfd process, clone_child(Parent::us, -1, bind_in_child, &work));
  return BindChild(std::move(process), std::move(channel.first), request.address.text);
}

BindChild& BindChild::operator=(BindChild&& other) noexcept {
  if (this == &other) return *this;
  end();
  process_ = std::move(other.process_);
  channel_ = std::move(other.channel_);
  text_ = std::move(other.text_);
  return *this;
}

BindChild::~BindChild() {
  end();
}

// The tenant may have stopped the child, which has its uid: only SIGKILL is sure to end
// it. Not even that where the path lies on a file system that the tenant serves and does
// not answer for: then the child is left behind, and nobody waits for it.
void BindChild::end() {
  if (!process_) return;
  (void)process_.signal(SIGKILL);
  pollfd ended{process_.fd(), POLLIN, 0};
  while (::poll(&ended, 1, kEndMs) < 0 && errno == EINTR) {
  }
  (void)process_.try_wait();
  process_ = {};
}

base::Result<std::optional<BoundSocket>> BindChild::finish() {
  char buffer[sizeof(BindReport)];
  auto received = base::receive_with_fds(channel_.get(), buffer);
  if (!received && received.error().is(std::errc::resource_unavailable_try_again))
    return std::nullopt;
  if (!received) return base::wrap(received.error(), "socket " + text_);
  end();
  if (received->size != sizeof(BindReport)) return base::fail(ECHILD, "socket " + text_);
  BindReport report;
  std::memcpy(&report, buffer, sizeof(report));
  if (report.step != BindStep::done || received->fds.size() != 1)
    return failed(report, text_);
  return BoundSocket{std::move(received->fds.front()), report.device, report.inode};
}

base::Result<BoundSocket> bind_now(const BindRequest& request, base::Deadline deadline) {
  TRY_ASSIGN(BindChild child, BindChild::start(request));
  for (;;) {
    pollfd p{child.fd(), POLLIN, 0};
    const int ready = ::poll(&p, 1, remaining_ms(deadline));
    if (ready < 0 && errno != EINTR) return base::fail_errno("poll");
    if (ready == 0) return base::fail(ETIMEDOUT, "socket " + request.address.text);
    TRY_ASSIGN(std::optional<BoundSocket> bound, child.finish());
    if (bound) return *std::move(bound);
  }
}

base::Result<> chown_socket(const std::string& path,
                            const BoundSocket& bound,
                            uid_t tenant,
                            uid_t uid,
                            gid_t gid) {
  const base::Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return base::fail_errno("open " + path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return base::fail_errno("fstat " + path);
  const bool same =
      S_ISSOCK(info.st_mode) && info.st_dev == bound.device && info.st_ino == bound.inode;
  if (!same || info.st_uid != tenant || info.st_nlink != 1)
    return base::fail(ESTALE, "chown " + path + ": no longer the socket that was bound");
  if (::fchownat(file.get(), "", uid, gid, AT_EMPTY_PATH) != 0)
    return base::fail_errno("chown " + path);
  return {};
}

}  // namespace vassal
