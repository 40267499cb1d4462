#include "emperor/message_channel.h"

#include <array>

#include "base/fd_passing.h"

namespace emperor {

MessageChannel::MessageChannel(uvx::Loop& loop, uvx::TaskGroup& tasks, base::Fd socket)
    : loop_(loop),
      tasks_(tasks),
      socket_(std::move(socket)),
      poll_(loop, socket_.get()) {}

MessageChannel::Sent MessageChannel::send_bytes(const std::string& bytes,
                                                std::span<const int> fds) {
  const auto sent = base::send_with_fds(socket_.get(), bytes, fds);
  if (sent) return Sent::yes;
  // ETOOMANYREFS: too many descriptors of ours are in flight; the receiver has to take
  // some first.
  const bool full = sent.error().is(std::errc::resource_unavailable_try_again) ||
                    sent.error().code.value() == ETOOMANYREFS;
  return full ? Sent::full : Sent::broken;
}

void MessageChannel::send(const wire::Message& message, std::span<const int> fds) {
  const auto bytes = wire::encode(message);
  if (!bytes || closed_) return;
  if (queue_.empty() && send_bytes(*bytes, fds) != Sent::full) return;
  Outgoing late{*bytes, {}};
  for (const int fd : fds)
    if (auto copy = base::duplicate(fd)) late.fds.push_back(*std::move(copy));
  if (late.fds.size() != fds.size()) return;  // out of descriptors: the message would lie
  queue_.push_back(std::move(late));
  if (!writing_) {
    writing_ = true;
    tasks_.spawn(write_queue(shared_from_this()));
  }
}

bool MessageChannel::try_send(const wire::Message& message, std::span<const int> fds) {
  const auto bytes = wire::encode(message);
  if (!bytes || closed_) return true;
  return queue_.empty() && send_bytes(*bytes, fds) != Sent::full;
}

uvx::Task<void> MessageChannel::write_queue(std::shared_ptr<MessageChannel> self) {
  auto& queue = self->queue_;
  while (!queue.empty() && !self->closed_) {
    if (!co_await self->poll_.writable()) break;
    while (!queue.empty()) {
      std::vector<int> fds;
      for (const auto& fd : queue.front().fds)
        fds.push_back(fd.get());
      if (self->send_bytes(queue.front().bytes, fds) == Sent::full) break;
      queue.pop_front();
    }
  }
  self->writing_ = false;
}

uvx::Task<base::Result<Incoming>> MessageChannel::receive() {
  for (;;) {
    // A peer that floods us gets no more than its turn.
    if (++received_ % 16 == 0) co_await loop_.yield();
    if (closed_) co_return base::fail(ECANCELED, "channel");
    {
      // One for all: thousands of lifelines wait here, without 64 KiB each.
      static thread_local std::array<char, 66000> buffer;
      auto received = base::receive_with_fds(socket_.get(), buffer);
      if (received && received->size == 0) co_return base::fail(EPIPE, "the peer closed");
      if (received) {
        auto message = wire::decode_message({buffer.data(), received->size});
        if (message) co_return Incoming{*std::move(message), std::move(received->fds)};
        continue;
      }
      if (received.error().is(std::errc::message_size)) continue;
      if (!received.error().is(std::errc::resource_unavailable_try_again))
        co_return std::unexpected(received.error());
    }
    if (auto ready = co_await poll_.readable(); !ready)
      co_return std::unexpected(ready.error());
  }
}

uvx::Task<void> MessageChannel::flush(base::Deadline deadline) {
  while (!queue_.empty() && !closed_ && !deadline.passed())
    (void)co_await loop_.sleep_for(std::chrono::milliseconds(1));
}

void MessageChannel::close() {
  if (closed_) return;
  closed_ = true;
  queue_.clear();
  poll_.close();
}

}  // namespace emperor
