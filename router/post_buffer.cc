#include "router/post_buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace router {

namespace {

const char* temporary_directory() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && *named == '/' ? named : "/tmp";
}

base::Result<> write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("write a body to a temporary file");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

PostBuffer::~PostBuffer() {
  if (mapped_ != nullptr) ::munmap(mapped_, size_);
  budget_.left += size_;
}

base::Result<> PostBuffer::move_to_file() {
  const std::string directory = temporary_directory();
  file_ =
      base::Fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (!file_) return base::fail_errno("a temporary file in " + directory);
  TRY(write_whole(file_.get(), text_));
  std::string().swap(text_);
  return {};
}

base::Result<> PostBuffer::add(std::string_view piece) {
  if (piece.size() > budget_.left)
    return base::fail(ENOSPC, "bodies held back take too much");
  budget_.left -= piece.size();
  size_ += piece.size();
  if (!file_ && size_ > memory_) TRY(move_to_file());
  if (file_) return write_whole(file_.get(), piece);
  text_ += piece;
  return {};
}

base::Result<std::string_view> PostBuffer::whole() {
  if (!file_) return std::string_view(text_);
  if (mapped_ == nullptr) {
    void* const at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
    if (at == MAP_FAILED) return base::fail_errno("map a body");
    mapped_ = at;
  }
  return std::string_view(static_cast<const char*>(mapped_), size_);
}

}  // namespace router
