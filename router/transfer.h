// Bytes from and to descriptors that are not waited for.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace router {

/// recv(2) without waiting. 0 is the end; EAGAIN an error like others.
base::Result<size_t> try_receive(int fd, std::span<char> buffer);
/// The same by read(2) of a pipe that is O_NONBLOCK.
base::Result<size_t> try_read(int pipe, std::span<char> buffer);
/// send(2) without waiting, or write(2) to such a pipe: how much went out, 0 if nothing
/// can now.
base::Result<size_t> try_send(int fd, std::string_view bytes);

/// The peer has gone altogether (a half-closed one still reads an answer).
bool has_hung_up(int fd);

/// The peer sees an error when `fd` is closed, not a mere end (of TCP; a unix socket has
/// no such thing).
void reset_on_close(int fd);

}  // namespace router
