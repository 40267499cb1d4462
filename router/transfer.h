// Bytes between descriptors and coroutines: try first, wait only when the kernel says so.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/uv/poll.h"
#include "base/uv/task.h"

namespace router {

/// recv(2) without waiting, or read(2) of a pipe that is O_NONBLOCK. 0 is the end; EAGAIN
/// an error like others.
base::Result<size_t> try_receive(int fd, std::span<char> buffer);
/// send(2) without waiting, or write(2) to such a pipe: how much went out, 0 if nothing
/// can now.
base::Result<size_t> try_send(int fd, std::string_view bytes);

/// At least one byte, or 0 at the end. ETIMEDOUT after `deadline`.
uvx::Task<base::Result<size_t>> receive(uvx::Poll& poll,
                                        int fd,
                                        std::span<char> buffer,
                                        base::Deadline deadline);
/// Sends all of `bytes`, which must stay. ETIMEDOUT when nothing moves for `patience`.
uvx::Task<base::Result<>> send_all(uvx::Poll& poll,
                                   int fd,
                                   std::string_view bytes,
                                   base::Duration patience);

}  // namespace router
