// Backlog: what was written to a client that has not taken it yet: bytes, and behind them
// perhaps the rest of a file. For connections that never wait (Connection::never_wait).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace vassal {

class Backlog {
 public:
  bool empty() const { return size() == 0; }
  uint64_t size() const { return bytes().size() + file_left_; }

  /// Appends copies. A file is the last thing that is ever written.
  void keep(std::span<const iovec> parts);
  /// `count` bytes of `file` from `offset`, which is duplicated; 0 or a negative errno.
  int keep_file(int file, off_t offset, uint64_t count);

  std::string_view bytes() const { return std::string_view(bytes_).substr(sent_); }
  void took_bytes(size_t count);

  int file() const { return file_.get(); }
  off_t file_offset() const { return offset_; }
  uint64_t file_left() const { return file_left_; }
  /// 0: the file ended early, nothing of it is left.
  void took_file(size_t count);

 private:
  std::string bytes_;
  size_t sent_ = 0;
  base::Fd file_;
  off_t offset_ = 0;
  uint64_t file_left_ = 0;
};

}  // namespace vassal
