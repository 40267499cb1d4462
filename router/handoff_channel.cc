#include "router/handoff_channel.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/fd_passing.h"

namespace router {

namespace {

HandoffChannel::Sent what_went_wrong(int error) {
  switch (error) {
    case EAGAIN:
    case ETOOMANYREFS:  // descriptors in flight count per user, against RLIMIT_NOFILE
    case ENOBUFS:
    case ENOMEM:
    case EINTR:
      return HandoffChannel::Sent::full;
    case EMSGSIZE:
      return HandoffChannel::Sent::too_large;
    default:
      return HandoffChannel::Sent::spoiled;
  }
}

ino_t inode_of(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

bool HandoffChannel::same_as(const HandoffChannel& other) const {
  return inode_of(sending_.get()) != 0 &&
         inode_of(sending_.get()) == inode_of(other.sending_.get());
}

HandoffChannel::Sent HandoffChannel::send(const wire::HandoffHeader& header,
                                          std::string_view payload,
                                          int connection) const {
  std::array<char, wire::kHandoffHeader> head;
  wire::encode_handoff(header, head.data());
  std::array<iovec, 2> parts{
      {{head.data(), head.size()}, {const_cast<char*>(payload.data()), payload.size()}}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &connection, sizeof(int));
  if (::sendmsg(sending_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
    return Sent::yes;
  return what_went_wrong(errno);
}

size_t HandoffChannel::unread() const {
  int bytes = 0;
  if (::ioctl(sending_.get(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<size_t>(bytes);
}

std::optional<base::Deadline> HandoffChannel::next_deadline() const {
  // Without room for control data a peek makes no copy of the descriptor.
  std::array<char, wire::kHandoffHeader> head;
  const ssize_t n =
      ::recv(receiving_.get(), head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n <= 0) return std::nullopt;
  const auto header = wire::decode_handoff({head.data(), static_cast<size_t>(n)});
  return header ? header->deadline : base::Deadline(base::Instant{});
}

std::optional<Parcel> HandoffChannel::take_back() const {
  std::vector<char> bytes(wire::kMaxHandoff);
  auto received = base::receive_with_fds(receiving_.get(), bytes);
  if (!received || received->size == 0 || received->fds.empty()) return std::nullopt;
  const std::string_view message(bytes.data(), received->size);
  const auto header = wire::decode_handoff(message);
  if (!header) return std::nullopt;
  return Parcel{*header, std::string(message.substr(wire::kHandoffHeader)),
                std::move(received->fds.front())};
}

}  // namespace router
