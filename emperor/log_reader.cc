#include "emperor/log_reader.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace emperor {

namespace {

constexpr size_t kMostWaiting = 4 << 20;
constexpr off_t kMostTail = 2 << 20;
/// Who does not read for so long is let go.
constexpr auto kPatience = std::chrono::seconds(30);

}  // namespace

void LogReader::start(uvx::TaskGroup& tasks) {
  tasks.spawn(write(shared_from_this()));
  tasks.spawn(notice_end(shared_from_this()));
}

void LogReader::send(std::string_view lines) {
  if (gone_ || lines.empty()) return;
  if (waiting_.size() + lines.size() > kMostWaiting) {
    left_out_ = true;
    return;
  }
  if (std::exchange(left_out_, false)) waiting_.append("... lines left out\n");
  waiting_.append(lines);
  wake_.set();
}

void LogReader::finish() {
  finishing_ = true;
  wake_.set();
}

void LogReader::close() {
  if (std::exchange(gone_, true)) return;
  waiting_.clear();
  poll_.close();
  wake_.close();
}

uvx::Task<void> LogReader::write(std::shared_ptr<LogReader> self) {
  while (!self->gone_) {
    if (self->waiting_.empty()) {
      if (self->finishing_) break;
      (void)co_await self->wake_.wait();
      continue;
    }
    const ssize_t n = ::send(self->client_.get(), self->waiting_.data(),
                             self->waiting_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      self->waiting_.erase(0, static_cast<size_t>(n));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) break;
    if (!co_await self->poll_.writable(base::Deadline::in(kPatience))) break;
  }
  self->close();
}

uvx::Task<void> LogReader::notice_end(std::shared_ptr<LogReader> self) {
  std::array<char, 256> nothing;
  for (;;) {
    if (!co_await self->poll_.readable()) break;
    const ssize_t n =
        ::recv(self->client_.get(), nothing.data(), nothing.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  self->close();
}

std::string last_lines(int fd, size_t count) {
  struct stat s{};
  if (count == 0 || ::fstat(fd, &s) != 0) return {};
  const off_t from = std::max<off_t>(0, s.st_size - kMostTail);
  std::string tail(static_cast<size_t>(s.st_size - from), '\0');
  const ssize_t n = ::pread(fd, tail.data(), tail.size(), from);
  tail.resize(n > 0 ? static_cast<size_t>(n) : 0);
  if (from > 0) tail.erase(0, tail.find('\n') + 1);
  size_t at = tail.ends_with('\n') ? tail.size() - 1 : tail.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t before = at == 0 ? tail.npos : tail.rfind('\n', at - 1);
    if (before == tail.npos) return tail;
    at = before;
  }
  return tail.substr(at + 1);
}

}  // namespace emperor
