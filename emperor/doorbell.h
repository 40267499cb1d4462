// Doorbell: which of many sleeping vassals somebody knocks at.
//
// One epoll of its own holds the descriptors of all sleepers and is itself one descriptor
// of the loop: a sleeper costs an entry in the kernel, no handle and no coroutine. Each
// descriptor rings once and is silent until it is watched again, since a level-triggered
// one that others read too would ring for nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/uv/poll.h"

namespace emperor {

class Doorbell {
 public:
  /// A machine that gives no epoll is thrown.
  explicit Doorbell(uvx::Loop& loop);

  /// Rings with `id` once `fd` can be read (now, if it can already). The caller owns `fd`
  /// and takes it out before it is closed: a copy elsewhere would keep it ringing.
  base::Result<> watch(int fd, uint64_t id);
  void unwatch(int fd);

  /// The ids that rang, once or more often. An error after close().
  uvx::Task<base::Result<std::vector<uint64_t>>> rung();
  void close() { poll_.close(); }

 private:
  base::Fd epoll_;
  uvx::Poll poll_;
};

}  // namespace emperor
