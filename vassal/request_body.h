// RequestBody: the bytes after the packet, as many as were promised.
//
// First what came along with the packet, then the connection itself. Ends after
// CONTENT_LENGTH bytes, or, where the front can only say so by closing its side, at the
// end of the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vassal/connection.h"

namespace vassal {

class RequestBody {
 public:
  /// `early` came with the packet and must stay in place. `length` empty: until the
  /// stream ends.
  void begin(Connection& connection,
             std::string_view early,
             std::optional<uint64_t> length,
             uint64_t limit);

  /// Bytes read, 0 at the end; -ETIMEDOUT when the client stalls, -ECONNRESET when it
  /// leaves before all that was promised has come; -EAGAIN where the connection never
  /// waits and nothing is there.
  ssize_t read(char* into, size_t size);
  /// Unread bytes, if that is known.
  std::optional<uint64_t> left() const;
  /// True when nothing of it can still be on its way.
  bool ended() const { return ended_; }

 private:
  Connection* connection_ = nullptr;
  std::string_view early_;
  uint64_t left_ = 0;  // of the promise, or of the limit
  bool until_eof_ = false;
  bool ended_ = true;
};

}  // namespace vassal
