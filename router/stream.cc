#include "router/stream.h"

#include <sys/socket.h>

#include <string>

#include "router/transfer.h"

namespace router {

PlainStream::PlainStream(uvx::Loop& loop, base::Fd socket, Kind kind)
    : loop_(loop),
      socket_(std::move(socket)),
      kind_(kind),
      poll_(std::make_unique<uvx::Poll>(loop, socket_.get())) {}

base::Result<size_t> PlainStream::try_receive(std::span<char> buffer) {
  return kind_ == Kind::pipe ? try_read(socket_.get(), buffer)
                             : router::try_receive(socket_.get(), buffer);
}

base::Result<size_t> PlainStream::try_send(std::string_view bytes) {
  return router::try_send(socket_.get(), bytes);
}

uvx::Task<base::Result<>> PlainStream::readable(base::Deadline deadline) {
  return poll_->readable(deadline);
}

uvx::Task<base::Result<>> PlainStream::writable(base::Deadline deadline) {
  return poll_->writable(deadline);
}

bool PlainStream::finish_sending() {
  return ::shutdown(socket_.get(), SHUT_WR) == 0;
}

void PlainStream::interrupt() {
  poll_->close();
}

void PlainStream::resume() {
  poll_.reset();
  poll_ = std::make_unique<uvx::Poll>(loop_, socket_.get());
}

base::Fd PlainStream::release() {
  poll_.reset();
  return std::move(socket_);
}

uvx::Task<base::Result<size_t>> receive(Stream& stream,
                                        std::span<char> buffer,
                                        base::Deadline deadline) {
  for (;;) {
    auto received = stream.try_receive(buffer);
    if (received || !received.error().is(std::errc::resource_unavailable_try_again))
      co_return received;
    if (auto ready = co_await stream.readable(deadline); !ready)
      co_return std::unexpected(ready.error());
  }
}

uvx::Task<base::Result<>> send_all(Stream& stream,
                                   std::string_view bytes,
                                   base::Duration patience) {
  while (!bytes.empty()) {
    const auto sent = stream.try_send(bytes);
    if (!sent) co_return std::unexpected(sent.error());
    bytes.remove_prefix(*sent);
    if (bytes.empty()) break;
    if (auto ready = co_await stream.writable(base::Deadline::in(patience)); !ready)
      co_return std::unexpected(ready.error());
  }
  co_return base::Result<>{};
}

uvx::Task<base::Result<>> send_from_shared(Stream& stream,
                                           std::string_view bytes,
                                           base::Duration patience) {
  const auto sent = stream.try_send(bytes);
  if (!sent) co_return std::unexpected(sent.error());
  if (*sent == bytes.size()) co_return base::Result<>{};
  const std::string rest(bytes.substr(*sent));
  co_return co_await send_all(stream, rest, patience);
}

}  // namespace router
