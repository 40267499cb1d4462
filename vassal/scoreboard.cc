#include "vassal/scoreboard.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace vassal {

base::Result<ScoreboardMap> ScoreboardMap::open(const base::Fd& memfd, uint32_t workers) {
  size_t size = wire::Scoreboard::size_for(workers);
  if (memfd) {
    struct stat info{};
    if (::fstat(memfd.get(), &info) != 0) return base::fail_errno("scoreboard");
    size = static_cast<size_t>(info.st_size);
    if (size < wire::Scoreboard::size_for(1))
      return base::fail(EINVAL, "scoreboard: too small");
  }
  const int flags = memfd ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, memfd.get(), 0);
  if (at == MAP_FAILED) return base::fail_errno("map the scoreboard");
  return ScoreboardMap(static_cast<wire::Scoreboard*>(at), size);
}

ScoreboardMap::~ScoreboardMap() {
  if (board_ != nullptr) ::munmap(board_, size_);
}

uint32_t ScoreboardMap::room() const {
  const size_t lines = (size_ - sizeof(wire::Scoreboard)) / sizeof(wire::WorkerLine);
  return static_cast<uint32_t>(std::min<size_t>(lines, wire::Scoreboard::kMaxWorkers));
}

void set_state(wire::WorkerLine& line, wire::WorkerState state, uint64_t now_ns) {
  line.since_ns.store(now_ns, std::memory_order_relaxed);
  line.state.store(state, std::memory_order_seq_cst);
}

}  // namespace vassal
