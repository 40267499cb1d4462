// The handoff message: how the router gives a connection to a vassal's worker.
//
// One SOCK_SEQPACKET message with one descriptor: this header, then the bytes that were
// read from the connection (a whole uwsgi packet, then as much of the body as came with
// it). Both sides are of one machine and one build: fields are in host order, times on
// CLOCK_MONOTONIC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace wire {

enum class HandoffKind : uint8_t {
  nginx = 1,  ///< the client's own connection: answer, then close
  http_pair =
      2,  ///< our end of a socketpair to the router: frame the answer (Content-Length or
          ///< chunked); a body without CONTENT_LENGTH ends at SHUT_WR
  http_pipe = 3,  ///< the writing end of a pipe to the router: frame the answer; all of
                  ///< the body there is stands in the message
};

struct HandoffHeader {
  static constexpr uint8_t kVersion = 1;

  HandoffKind kind = HandoffKind::nginx;
  base::Instant arrived;  ///< when the router accepted it
  base::Deadline
      deadline;  ///< after this nobody waits for the answer any more: drop it unserved
};

/// Bytes of an encoded header.
inline constexpr size_t kHandoffHeader = 24;
/// The kernel refuses larger SEQPACKET messages at the stock send buffer (EMSGSIZE above
/// 212,960).
inline constexpr size_t kMaxHandoff = 192 * 1024;

/// Writes the header into `out[0..kHandoffHeader)`.
void encode_handoff(const HandoffHeader& header, char* out);
/// The header of a received message; nothing if it is short, of another version, or of an
/// unknown kind. The payload is what follows kHandoffHeader bytes.
std::optional<HandoffHeader> decode_handoff(std::string_view message);

}  // namespace wire
