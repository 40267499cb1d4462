#include "vassal/bind_request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "vassal/clone.h"

namespace vassal {

namespace {

constexpr int kChannelAt = 3;

base::Result<KernelAddress> local_address(const SocketAddress& address) {
  KernelAddress out;
  out.local = {};
  out.local.sun_family = AF_UNIX;
  const bool abstract = address.kind == SocketAddress::Kind::abstract;
  // 108 bytes: a path needs its end, an abstract name its leading zero.
  if (address.path.empty() || address.path.size() >= sizeof(out.local.sun_path))
    return base::fail(ENAMETOOLONG, "socket " + address.text + " (at most 107 bytes)");
  std::memcpy(out.local.sun_path + (abstract ? 1 : 0), address.path.data(),
              address.path.size());
  out.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
  return out;
}

base::Result<KernelAddress> internet_address(const SocketAddress& address) {
  KernelAddress out;
  out.ip6 = {};
  std::string host = address.host.empty() ? "0.0.0.0" : address.host;
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  if (::inet_pton(AF_INET6, host.c_str(), &out.ip6.sin6_addr) == 1) {
    out.ip6.sin6_family = AF_INET6;
    out.ip6.sin6_port = htons(address.port);
    out.size = sizeof(sockaddr_in6);
    return out;
  }
  out.ip4 = {};
  if (::inet_pton(AF_INET, host.c_str(), &out.ip4.sin_addr) != 1)
    return base::fail(EINVAL, "socket " + address.text + ": not a numeric address");
  out.ip4.sin_family = AF_INET;
  out.ip4.sin_port = htons(address.port);
  out.size = sizeof(sockaddr_in);
  return out;
}

int new_socket(const BindWork& work) {
  return ::socket(work.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  0);
}

// A socket file that nobody answers on is what a killed server left; anything else is not
// ours to remove.
int clear_the_way(const BindWork& work) {
  if (!work.is_path) return 0;
  const char* path = work.address.local.sun_path;
  struct stat info{};
  if (::lstat(path, &info) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(info.st_mode)) return EEXIST;
  const int probe = new_socket(work);
  if (probe < 0) return errno;
  const int answer =
      ::connect(probe, &work.address.any, work.address.size) == 0 ? 0 : errno;
  (void)::close(probe);
  if (answer == ENOENT) return 0;
  if (answer != ECONNREFUSED) return EADDRINUSE;
  return ::unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

// The mode is set on the socket before it has a name, so that the file never exists with
// another one.
int prepare_mode(const BindWork& work, int socket) {
  (void)::umask(work.has_mode ? 0 : work.umask);
  if (!work.is_path || !work.has_mode) return 0;
  return ::fchmod(socket, work.mode) == 0 ? 0 : errno;
}

int bind_socket(const BindWork& work, int socket) {
  constexpr int kOn = 1;
  if (work.address.any.sa_family != AF_UNIX)
    (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof(kOn));
  return ::bind(socket, &work.address.any, work.address.size) == 0 ? 0 : errno;
}

int become(const BindWork& work, BindStep& step) {
  if (work.identity == nullptr) return 0;
  const Identity& id = *work.identity;
  step = BindStep::groups;
  if (const int error = raw::set_groups(id.groups.data(), id.groups.size()); error != 0)
    return error;
  step = BindStep::gid;
  if (const int error = raw::set_gid(id.gid); error != 0) return error;
  step = BindStep::uid;
  if (const int error = raw::set_uid(id.uid); error != 0) return error;
  step = BindStep::no_way_back;
  return raw::verify_no_way_back(id.uid, id.gid);
}

// Returns the socket; on failure -1 with step and error in the report.
int make_listener(const BindWork& work, BindReport& report) {
  report.error = become(work, report.step);
  if (report.error != 0) return -1;
  report.step = BindStep::socket;
  const int socket = new_socket(work);
  if (socket < 0) {
    report.error = errno;
    return -1;
  }
  const auto take = [&report](BindStep step, int error) {
    report.step = step;
    report.error = error;
    return error == 0;
  };
  if (!take(BindStep::in_the_way, clear_the_way(work))) return -1;
  if (!take(BindStep::mode, prepare_mode(work, socket))) return -1;
  if (!take(BindStep::bind, bind_socket(work, socket))) return -1;
  if (!take(BindStep::listen, ::listen(socket, work.backlog) == 0 ? 0 : errno)) return -1;
  report.step = BindStep::done;
  struct stat info{};
  if (work.is_path && ::lstat(work.address.local.sun_path, &info) == 0) {
    report.device = info.st_dev;
    report.inode = info.st_ino;
  }
  return socket;
}

void send_report(int channel, BindReport& report, int socket) {
  iovec part{&report, sizeof(report)};
  union {
    cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (socket >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &socket, sizeof(int));
  }
  (void)::sendmsg(channel, &message, MSG_NOSIGNAL);
}

}  // namespace

base::Result<KernelAddress> kernel_address(const SocketAddress& address) {
  if (address.kind == SocketAddress::Kind::tcp) return internet_address(address);
  return local_address(address);
}

const char* name_of(BindStep step) {
  switch (step) {
    case BindStep::groups:
      return "setgroups";
    case BindStep::gid:
      return "setgid";
    case BindStep::uid:
      return "setuid";
    case BindStep::no_way_back:
      return "no way back to root";
    case BindStep::socket:
      return "socket";
    case BindStep::in_the_way:
      return "in the way";
    case BindStep::mode:
      return "chmod";
    case BindStep::bind:
      return "bind";
    case BindStep::listen:
      return "listen";
    case BindStep::done:
      return "done";
  }
  return "unknown step";
}

void bind_in_child(void* argument) {
  auto& work = *static_cast<BindWork*>(argument);
  // Nothing else of the parent's stays open in a process that a tenant may stop or slow
  // down.
  int channel = work.channel;
  if (channel != kChannelAt && ::dup3(channel, kChannelAt, O_CLOEXEC) == kChannelAt)
    channel = kChannelAt;
  if (channel == kChannelAt) {
    (void)::close_range(0, kChannelAt - 1, 0);
    (void)::close_range(kChannelAt + 1, ~0U, 0);
  }
  (void)raw::reset_signals();
  BindReport report;
  const int socket = make_listener(work, report);
  send_report(channel, report, socket);
  ::_exit(socket >= 0 ? 0 : 127);
}

}  // namespace vassal
