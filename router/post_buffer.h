// PostBuffer: a request's body that is held back until it is whole: for backends that
// have to know its length, or that are not to wait for slow senders (uWSGI's
// post-buffering).
//
// A small one stands in memory, a larger one in an unnamed file below TMPDIR. What all
// of a router hold is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace router {

/// Bytes that all bodies held back may take together.
struct PostBudget {
  uint64_t left = 1024ull * 1024 * 1024;
};

class PostBuffer {
 public:
  /// More than `memory` bytes go to a file. `budget` must outlive it.
  PostBuffer(PostBudget& budget, size_t memory) : budget_(budget), memory_(memory) {}
  ~PostBuffer();
  PostBuffer(const PostBuffer&) = delete;
  PostBuffer& operator=(const PostBuffer&) = delete;

  /// ENOSPC if the budget is used up; else what the file says.
  base::Result<> add(std::string_view piece);
  uint64_t size() const { return size_; }
  /// Everything that was added; lives as long as the buffer. Nothing is added after.
  base::Result<std::string_view> whole();

 private:
  base::Result<> move_to_file();

  PostBudget& budget_;
  size_t memory_;
  uint64_t size_ = 0;
  std::string text_;
  base::Fd file_;
  void* mapped_ = nullptr;
};

}  // namespace router
