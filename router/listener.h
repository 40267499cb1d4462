// Listener: accepts from one listening socket that other processes may accept from too:
// a connection wakes one of them. Accepts in batches, and pauses when descriptors run
// out, leaving connections in the backlog.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/loop.h"
#include "base/uv/poll.h"

namespace router {

/// Takes accepted connections, several at a time.
class Reception {
 public:
  virtual ~Reception() = default;
  virtual void arrived(base::Fd connection, base::Instant when) = 0;
  /// No more of this batch.
  virtual void batch_ends() {}
  /// Whether another connection can be served now.
  virtual bool has_room() const { return true; }
};

class Listener {
 public:
  /// How it shares the socket with the other router processes.
  enum class Sharing {
    first,   ///< connections of one request: an arrival wakes this one if it is idle
    helper,  ///< the same, but they are left to the first as long as that one keeps up
    in_turn  ///< connections that stay: every process gets its part of them
  };

  /// `socket` listens. It becomes non-blocking, and what comes over it and its
  /// connections brings no descriptors.
  Listener(uvx::Loop& loop,
           base::Log& log,
           base::Fd socket,
           Sharing sharing,
           Reception& reception);

  /// Whether `socket` is the one it accepts from.
  bool is_of(int socket) const { return base::same_file(socket_.get(), socket); }
  /// Accepts until close().
  uvx::Task<void> run();
  void close();

 private:
  enum class Batch { more, empty, pause };
  /// How many there were.
  uvx::Task<int> accept_all();
  uvx::Task<void> help();
  uvx::Task<void> wait_for_room();
  Batch accept_batch();
  bool somebody_waits() const;

  uvx::Loop& loop_;
  base::Log& log_;
  base::Fd socket_;
  Sharing sharing_;
  uvx::Poll poll_;
  uvx::Timer pause_;
  Reception& reception_;
  int last_batch_ = 1;  // how many the batch before this one held
  bool closed_ = false;
};

}  // namespace router
