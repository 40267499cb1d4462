// Connection: one client's socket, read and written with patience but not without end.
//
// The descriptor may or may not be O_NONBLOCK (that flag is shared with others), so every
// call says MSG_DONTWAIT and waits by poll(2). While it waits the interpreter is
// released, so that an application's own threads run. Where many connections share one
// thread nothing waits: see never_wait().
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "vassal/backlog.h"
#include "vassal/runtime.h"

namespace vassal {

class Connection {
 public:
  /// `runtime` may be null: there is nothing to release then.
  Connection(Runtime* runtime,
             std::chrono::milliseconds read_patience,
             std::chrono::milliseconds write_patience)
      : runtime_(runtime),
        read_patience_(read_patience),
        write_patience_(write_patience) {}

  /// `out`: a pipe, O_NONBLOCK, that is only written to.
  enum class Way { both, out };
  void take(base::Fd fd, Way way = Way::both) {
    fd_ = std::move(fd);
    way_ = way;
  }
  int fd() const { return fd_.get(); }
  Way way() const { return way_; }

  /// From now on reads give -EAGAIN where they would wait, and what the client does not
  /// take at once counts as sent and is kept until flush().
  void never_wait() { backlog_.emplace(); }
  /// Bytes that are kept.
  uint64_t unsent() const { return backlog_ ? backlog_->size() : 0; }
  /// Sends as much of it as the client takes now; 0 or a negative errno.
  int flush();
  /// The client is gone: what is kept is dropped, what is sent from now on fails with
  /// EPIPE.
  void give_up();

  /// Bytes read, 0 at the end of the stream, or a negative errno (-ETIMEDOUT).
  ssize_t receive(char* into, size_t size);
  /// The same for bytes that are about to come: the client connects first and sends then.
  ssize_t receive_soon(char* into, size_t size);
  /// Sends everything; 0 or a negative errno.
  int send(std::string_view data);
  int send(std::span<iovec> parts);
  /// Sends `count` bytes of `file` from `offset`; bytes sent (fewer at the file's end) or
  /// -errno.
  int64_t send_file(int file, off_t offset, uint64_t count);
  /// Says that nothing more comes from us, then reads and drops what the client still
  /// sends, so that closing does not destroy the answer on its way; for at most
  /// `patience`.
  void linger(std::chrono::milliseconds patience);
  void close() { fd_.reset(); }

  /// "127.0.0.1:4711" or "pid 12 uid 33", for the log.
  std::string peer() const;

 private:
  int wait(short events, std::chrono::milliseconds patience);
  ssize_t try_send(std::span<const iovec> parts) const;
  int flush_file(Backlog& backlog) const;

  base::Fd fd_;
  Way way_ = Way::both;
  Runtime* runtime_;
  std::chrono::milliseconds read_patience_;
  std::chrono::milliseconds write_patience_;
  std::optional<Backlog> backlog_;
  bool given_up_ = false;
};

}  // namespace vassal
