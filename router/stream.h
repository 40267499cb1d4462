// Stream: a connection whose bytes come and go as they are meant: a plain socket, or one
// that encrypts. Try first, wait only when it says so.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/uv/poll.h"
#include "base/uv/task.h"

namespace router {

class Stream {
 public:
  Stream() = default;
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Bytes received without waiting; 0 is the end; EAGAIN when there are none now.
  virtual base::Result<size_t> try_receive(std::span<char> buffer) = 0;
  /// How many of `bytes` went out without waiting; 0 if none can now.
  virtual base::Result<size_t> try_send(std::string_view bytes) = 0;
  /// Until try_receive() (try_send()) has something to say. One waits for each at a time.
  /// ETIMEDOUT after the deadline, ECANCELED after interrupt().
  virtual uvx::Task<base::Result<>> readable(base::Deadline deadline) = 0;
  virtual uvx::Task<base::Result<>> writable(base::Deadline deadline) = 0;
  /// Half-closes: nothing more will be sent. False if the peer is gone.
  virtual bool finish_sending() = 0;
  /// Wakes who waits with ECANCELED, and refuses to wait until resume(), which may be
  /// called once they have left.
  virtual void interrupt() = 0;
  virtual void resume() = 0;
  /// The socket below, for what is asked of the kernel about the peer.
  virtual int fd() const = 0;
};

/// A socket as it is, or the reading end of a pipe. Owns it.
class PlainStream final : public Stream {
 public:
  enum class Kind : uint8_t { socket, pipe };
  /// A pipe only receives.
  PlainStream(uvx::Loop& loop, base::Fd socket, Kind kind = Kind::socket);

  base::Result<size_t> try_receive(std::span<char> buffer) override;
  base::Result<size_t> try_send(std::string_view bytes) override;
  uvx::Task<base::Result<>> readable(base::Deadline deadline) override;
  uvx::Task<base::Result<>> writable(base::Deadline deadline) override;
  bool finish_sending() override;
  void interrupt() override;
  void resume() override;
  int fd() const override { return socket_.get(); }
  /// The socket itself, unwatched. Nobody may wait.
  base::Fd release();

 private:
  uvx::Loop& loop_;
  base::Fd socket_;
  Kind kind_;
  std::unique_ptr<uvx::Poll> poll_;  // before its socket is closed, it has gone
};

/// At least one byte, or 0 at the end. ETIMEDOUT after `deadline`.
uvx::Task<base::Result<size_t>> receive(Stream& stream,
                                        std::span<char> buffer,
                                        base::Deadline deadline);
/// Sends all of `bytes`, which must stay. ETIMEDOUT when nothing moves for `patience`.
uvx::Task<base::Result<>> send_all(Stream& stream,
                                   std::string_view bytes,
                                   base::Duration patience);
/// The same of bytes that stand in a buffer that others use, too: what cannot go out at
/// once is copied before anybody else has a turn.
uvx::Task<base::Result<>> send_from_shared(Stream& stream,
                                           std::string_view bytes,
                                           base::Duration patience);

}  // namespace router
