// Farewell: the last answer on a connection, and a close that does not lose it.
//
// Closing a socket with unread bytes makes the kernel reset the connection, and the peer
// loses the answer: so what the peer still sends is read and dropped first, within
// bounds.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "router/refusal.h"
#include "router/stream.h"

namespace router {

/// How long a peer may go on sending, and how much, after its answer.
struct FarewellBounds {
  base::Duration silence = std::chrono::seconds(2);
  base::Duration total = std::chrono::seconds(10);
  uint64_t bytes = 64ull * 1024 * 1024;
};

/// Sends `answer`, half-closes, drops what still comes, and closes.
uvx::Task<void> say_farewell(uvx::Loop& loop,
                             base::Fd connection,
                             std::string answer,
                             FarewellBounds bounds = {});

/// Reads and drops what comes on a half-closed connection, until its end or a bound.
uvx::Task<void> drop_rest(Stream& stream, FarewellBounds bounds = {});

}  // namespace router
