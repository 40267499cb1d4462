#include "vassal/backlog.h"

namespace vassal {

namespace {
/// Room that is kept for the next time; more is given back.
constexpr size_t kKept = 4096;
}  // namespace

void Backlog::keep(std::span<const iovec> parts) {
  if (sent_ > 0 && sent_ * 2 >= bytes_.size()) {
    bytes_.erase(0, sent_);
    sent_ = 0;
  }
  for (const iovec& part : parts)
    bytes_.append(static_cast<const char*>(part.iov_base), part.iov_len);
}

int Backlog::keep_file(int file, off_t offset, uint64_t count) {
  auto own = base::duplicate(file);
  if (!own) return -own.error().code.value();
  file_ = std::move(*own);
  offset_ = offset;
  file_left_ = count;
  return 0;
}

void Backlog::took_bytes(size_t count) {
  sent_ += count;
  if (sent_ < bytes_.size()) return;
  bytes_.clear();
  sent_ = 0;
  if (bytes_.capacity() > kKept) std::string().swap(bytes_);
}

void Backlog::took_file(size_t count) {
  offset_ += static_cast<off_t>(count);
  file_left_ = count == 0 ? 0 : file_left_ - count;
  if (file_left_ == 0) file_.reset();
}

}  // namespace vassal
