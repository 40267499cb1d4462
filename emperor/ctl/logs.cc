#include "emperor/ctl/logs.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/fd.h"

namespace emperor::ctl {

namespace {

constexpr off_t kMostBytes = 4 << 20;

/// Where the last `lines` lines begin.
off_t start_of_tail(int fd, size_t lines) {
  struct stat s{};
  ::fstat(fd, &s);
  const off_t from = std::max<off_t>(0, s.st_size - kMostBytes);
  std::string tail(static_cast<size_t>(s.st_size - from), '\0');
  const ssize_t n = ::pread(fd, tail.data(), tail.size(), from);
  tail.resize(n > 0 ? static_cast<size_t>(n) : 0);
  size_t at = tail.ends_with('\n') ? tail.size() - 1 : tail.size();
  for (size_t i = 0; i < lines; ++i) {
    const size_t before = at == 0 ? tail.npos : tail.rfind('\n', at - 1);
    if (before == tail.npos) return from;
    at = before;
  }
  return from + static_cast<off_t>(at) + 1;
}

void copy_rest(int fd) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) break;
    std::fwrite(buffer.data(), 1, static_cast<size_t>(n), stdout);
  }
  std::fflush(stdout);
}

}  // namespace

int show_log(const std::string& path, size_t lines, Follow follow) {
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    std::fprintf(stderr, "emperorctl: %s\n",
                 base::fail_errno("open " + path).error().message().c_str());
    return 1;
  }
  ::lseek(fd.get(), start_of_tail(fd.get(), lines), SEEK_SET);
  copy_rest(fd.get());
  if (follow == Follow::no) return 0;
  const base::Fd watch(::inotify_init1(IN_CLOEXEC));
  ::inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY);
  std::array<char, 4096> events;
  while (::read(watch.get(), events.data(), events.size()) > 0)
    copy_rest(fd.get());
  return 0;
}

}  // namespace emperor::ctl
