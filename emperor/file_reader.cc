#include "emperor/file_reader.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "base/uv/poll.h"

namespace emperor {

namespace {
using namespace std::chrono_literals;
constexpr size_t kBatch = 256;
/// Readers at once: many, since one that hangs in a tenant's file system holds a place.
constexpr size_t kMostReaders = 64;
constexpr auto kPatience = 10s;
constexpr auto kEndTime = 1s;
/// Who has so many that hang (stopped, or in a file system of his own) gets no more.
constexpr size_t kMostHanging = 3;

bool every_writer_is_gone(int pipe) {
  pollfd watched{pipe, 0, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & POLLHUP) != 0;
}
}  // namespace

void FileReader::set_options(vassal::ReadOptions options) {
  options_ = std::move(options);
  if (auto host = ReaderHost::start(options_))
    host_ = *std::move(host);
  else
    log_.warn("reader: {}", host.error().message());
}

void FileReader::request(const std::string& path,
                         uid_t uid,
                         gid_t gid,
                         base::Links links) {
  const Owner owner{uid, gid, links};
  const auto [at, is_new] = queues_.try_emplace(owner);
  if (at->second.known.insert(path).second) at->second.paths.push_back(path);
  if (!is_new) return;
  waiting_.push_back(owner);
  pump();
}

void FileReader::pump() {
  while (working_ < kMostReaders && !waiting_.empty()) {
    ++working_;
    tasks_.spawn(work(this, waiting_.front()));
    waiting_.pop_front();
  }
}

FileReader::Paths FileReader::next_batch(Queue& queue) {
  Paths batch;
  while (batch.size() < kBatch && !queue.paths.empty()) {
    queue.known.erase(queue.paths.front());
    batch.push_back(std::move(queue.paths.front()));
    queue.paths.pop_front();
  }
  return batch;
}

/// One batch of an owner; what is left of his waits until others had their turn.
uvx::Task<void> FileReader::work(FileReader* self, Owner owner) {
  // What else changed in this moment comes into the same batch.
  co_await self->loop_.yield();
  auto rest = co_await self->read_batch(owner, next_batch(self->queues_[owner]));
  Queue& queue = self->queues_[owner];
  for (auto& path : rest | std::views::reverse)
    if (queue.known.insert(path).second) queue.paths.push_front(std::move(path));
  --self->working_;
  if (queue.paths.empty())
    self->queues_.erase(owner);
  else
    self->waiting_.push_back(owner);
  self->pump();
  if (!self->idle()) co_return;
  if (const auto call = std::exchange(self->on_idle, nullptr)) call();
}

uvx::Task<FileReader::Paths> FileReader::read_batch(Owner owner, Paths paths) {
  const uid_t uid = std::get<0>(owner);
  if (too_many_hang(uid)) {
    tell_lost(paths.front(), "earlier readers still hang");
    co_return Paths(paths.begin() + 1, paths.end());
  }
  auto child = start(owner, paths);
  if (!child) {
    tell_lost(paths.front(), child.error().message());
    co_return Paths(paths.begin() + 1, paths.end());
  }
  size_t done = 0;
  const auto read = co_await take_results(*child, paths, &done);
  if (read)
    child->output.reset();
  else
    hanging_.emplace(uid, std::move(child->output));
  if (child->process) {
    (void)child->process.signal(SIGKILL);  // it has said what it had to say
    co_await reap(child->process);
  }
  if (done < paths.size())
    tell_lost(paths[done++],
              read ? "the reader died of it (a limit was hit)" : read.error().message());
  co_return Paths(paths.begin() + static_cast<long>(done), paths.end());
}

/// By the host; without one (it was killed, its socket is full) by ourselves.
base::Result<vassal::ReaderChild> FileReader::start(const Owner& owner,
                                                    const Paths& paths) {
  const auto [uid, gid, links] = owner;
  if (auto output = host_.read(paths, uid, gid, links))
    return vassal::ReaderChild{{}, *std::move(output), paths};
  vassal::ReadOptions options = options_;
  options.links = links;
  return vassal::start_reader(paths, uid, gid, options);
}

bool FileReader::too_many_hang(uid_t owner) {
  auto [at, end] = hanging_.equal_range(owner);
  while (at != end)
    at = every_writer_is_gone(at->second.get()) ? hanging_.erase(at) : std::next(at);
  return hanging_.count(owner) >= kMostHanging;
}

/// Hands on what the child sends until its end; `*done` counts.
uvx::Task<base::Result<>> FileReader::take_results(const vassal::ReaderChild& child,
                                                   const Paths& paths,
                                                   size_t* done) {
  vassal::ReadResultStream stream;
  uvx::Poll poll(loop_, child.output.get());
  const auto deadline = base::Deadline::in(kPatience);
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(child.output.get(), buffer.data(), buffer.size());
    if (n == 0) co_return base::Result<>{};
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN && co_await poll.readable(deadline)) continue;
      co_return base::fail("it took too long");
    }
    auto results = stream.feed({buffer.data(), static_cast<size_t>(n)});
    if (!results) co_return std::unexpected(results.error());
    for (auto& result : *results) {
      if (*done >= paths.size() || result.path != paths[*done]) continue;
      ++*done;
      on_result_(std::move(result));
    }
  }
}

uvx::Task<void> FileReader::reap(const base::Pidfd& process) {
  uvx::Poll poll(loop_, process.fd());
  for (;;) {
    const auto ended = process.try_wait();
    if (!ended || *ended) co_return;
    // It was killed; one that hangs in a file system of the tenant's is not waited for.
    if (!co_await poll.readable(base::Deadline::in(kEndTime))) co_return;
  }
}

void FileReader::tell_lost(const std::string& path, const std::string& why) {
  vassal::ReadResult lost;
  lost.path = path;
  lost.diagnostics.push_back(
      {vassal::Diagnostic::Level::error, {path, 0}, "cannot be read: " + why});
  log_.warn("reader: {}: {}", path, why);
  on_result_(std::move(lost));
}

}  // namespace emperor
