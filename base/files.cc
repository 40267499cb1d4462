#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace base {

Result<std::string> read_fd(int fd, size_t limit) {
  constexpr size_t kStep = 16384;
  std::string content;
  struct stat s{};
  if (::fstat(fd, &s) == 0 && S_ISREG(s.st_mode))
    content.reserve(std::min(static_cast<size_t>(s.st_size), limit) + kStep);
  for (size_t size = 0;; content.resize(size)) {
    content.resize(size + kStep);
    const ssize_t n = ::read(fd, content.data() + size, kStep);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read");
    size += static_cast<size_t>(n);
    if (size > limit) return fail(EFBIG, "read");
    if (n == 0) {
      content.resize(size);
      return content;
    }
  }
}

Result<std::string> read_file(const std::filesystem::path& path, size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("open " + path.string());
  auto content = read_fd(fd.get(), limit);
  if (!content) return wrap(content.error(), path.string());
  return content;
}

Result<> write_file(const std::filesystem::path& path,
                    std::string_view content,
                    mode_t mode) {
  const std::string beside = path.string() + ".new";
  const Fd fd(::open(beside.c_str(),
                     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("open " + beside);
  if (auto written = write_all(fd.get(), content); !written)
    return wrap(written.error(), beside);
  if (::fchmod(fd.get(), mode) != 0) return fail_errno("chmod " + beside);
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return fail_errno("rename " + path.string());
  return {};
}

}  // namespace base
