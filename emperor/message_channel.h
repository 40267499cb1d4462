// MessageChannel: wire::Messages with descriptors over one SOCK_SEQPACKET socket, for the
// loop.
//
// send() never waits: what the socket does not take is queued with duplicates of its
// descriptors and goes out when there is room. One coroutine receives. Used towards
// keeper, vassals, routers.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "base/wire/message.h"

namespace emperor {

struct Incoming {
  wire::Message message;
  std::vector<base::Fd> fds;
};

/// Shared between its user and the coroutines that wait on it: after close() each lets go
/// by itself.
class MessageChannel : public std::enable_shared_from_this<MessageChannel> {
 public:
  MessageChannel(uvx::Loop& loop, uvx::TaskGroup& tasks, base::Fd socket);
  ~MessageChannel() = default;
  MessageChannel(const MessageChannel&) = delete;
  MessageChannel& operator=(const MessageChannel&) = delete;

  /// Sends or queues. Errors other than a full socket break the channel: receive() will
  /// tell.
  void send(const wire::Message& message, std::span<const int> fds = {});
  /// Sends if the socket takes it now; false = full, try again after writable().
  bool try_send(const wire::Message& message, std::span<const int> fds = {});
  uvx::Task<base::Result<>> writable() { return poll_.writable(); }

  /// Waits until everything was sent, the deadline, or close().
  uvx::Task<void> flush(base::Deadline deadline);

  /// The next message; an error at the end of the stream or after close(). Messages that
  /// are no messages are skipped: the peer is somebody else's program, or a newer one.
  uvx::Task<base::Result<Incoming>> receive();

  void close();
  bool closed() const { return closed_; }
  /// Nothing waits to be sent.
  bool flushed() const { return queue_.empty(); }
  int fd() const { return socket_.get(); }

 private:
  struct Outgoing {
    std::string bytes;
    std::vector<base::Fd> fds;
  };
  static uvx::Task<void> write_queue(std::shared_ptr<MessageChannel> self);
  enum class Sent { yes, full, broken };
  Sent send_bytes(const std::string& bytes, std::span<const int> fds);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Fd socket_;
  uvx::Poll poll_;
  std::deque<Outgoing> queue_;
  unsigned received_ = 0;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace emperor
