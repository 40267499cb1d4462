#include "vassal/request_body.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vassal {

void RequestBody::begin(Connection& connection,
                        std::string_view early,
                        std::optional<uint64_t> length,
                        uint64_t limit) {
  connection_ = &connection;
  until_eof_ = !length;
  left_ = length.value_or(limit == 0 ? UINT64_MAX : limit);
  early_ =
      until_eof_
          ? early
          : early.substr(0, static_cast<size_t>(std::min<uint64_t>(early.size(), left_)));
  ended_ = !until_eof_ && left_ == 0;
}

ssize_t RequestBody::read(char* into, size_t size) {
  if (ended_ || size == 0) return 0;
  if (left_ == 0) return -EFBIG;
  size = static_cast<size_t>(std::min<uint64_t>(size, left_));
  ssize_t n;
  if (!early_.empty()) {
    const size_t taken = std::min(size, early_.size());
    std::memcpy(into, early_.data(), taken);
    early_.remove_prefix(taken);
    n = static_cast<ssize_t>(taken);
  } else {
    n = connection_->receive(into, size);
  }
  if (n > 0) {
    left_ -= static_cast<uint64_t>(n);
    ended_ = !until_eof_ && left_ == 0;
    return n;
  }
  if (n == -ETIMEDOUT || n == -EAGAIN) return n;
  ended_ = true;
  return n == 0 && !until_eof_ ? -ECONNRESET : n;
}

std::optional<uint64_t> RequestBody::left() const {
  if (ended_) return 0;
  return until_eof_ ? std::nullopt : std::optional(left_);
}

}  // namespace vassal
