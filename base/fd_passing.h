// Messages with descriptors over unix sockets (SCM_RIGHTS, unix(7)).
//
// Never blocks: MSG_DONTWAIT is set on every call, because O_NONBLOCK lives on the shared
// open file description and cannot be trusted. A caller that may wait polls first.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace base {

/// The most descriptors in one message of ours (the kernel's own limit is 253,
/// SCM_MAX_FD).
inline constexpr size_t kMaxPassedFds = 16;

/// Sends `data` and copies of `fds` as one message. EAGAIN: the channel is full.
Result<> send_with_fds(int socket, std::string_view data, std::span<const int> fds);

struct Received {
  size_t size = 0;      ///< bytes written into the buffer; 0 = the peer closed
  std::vector<Fd> fds;  ///< close-on-exec, owned by the caller
};

/// Receives one message into `buffer`. EAGAIN: none is there. EMSGSIZE: it was larger
/// than the buffer, or carried more than kMaxPassedFds descriptors; it is dropped, its
/// descriptors closed.
Result<Received> receive_with_fds(int socket, std::span<char> buffer);

/// From now on whoever sends descriptors to `socket`, or to what it accepts, gets EPERM.
/// A plain recv(2) drops them, and closing the last copy of a descriptor may block for as
/// long as a hostile sender likes: a socket with SO_LINGER, a file of his own file
/// system. Linux 6.16; older ones, and sockets that carry no descriptors, do nothing.
void refuse_descriptors(int socket);

}  // namespace base
