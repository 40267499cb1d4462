#include "router/control.h"

#include <array>
#include <memory>

#include "base/fd_passing.h"
#include "base/wire/uwsgi_packet.h"

namespace router {

Control::Control(uvx::Loop& loop, base::Log& log, base::Fd channel, ControlTarget& target)
    : loop_(loop),
      log_(log),
      channel_(std::move(channel)),
      poll_(loop, channel_.get()),
      target_(target),
      flushing_(loop) {}

uvx::Task<void> Control::run() {
  const auto buffer = std::make_unique_for_overwrite<char[]>(wire::kMaxPacket);
  for (;;) {
    auto received =
        base::receive_with_fds(channel_.get(), {buffer.get(), wire::kMaxPacket});
    if (!received && received.error().is(std::errc::resource_unavailable_try_again)) {
      if (!co_await poll_.readable()) break;
      continue;
    }
    if (!received && received.error().is(std::errc::message_size)) {
      log_.error("control: a message was cut off, its descriptors are lost");
      continue;
    }
    if (!received || received->size == 0) {
      target_.on_control_end();
      break;
    }
    if (const auto message = wire::decode_message({buffer.get(), received->size}))
      target_.on_message(*message, std::move(received->fds));
  }
  poll_.close();
  co_await flushing_.join();
}

void Control::send(const wire::Message& message) {
  auto packet = wire::encode(message);
  if (!packet) return;
  unsent_.push_back(*std::move(packet));
  if (flushing_.size() == 0) flushing_.spawn(flush());
}

uvx::Task<void> Control::flushed(base::Deadline deadline) {
  while (!unsent_.empty() && !deadline.passed())
    static_cast<void>(co_await loop_.sleep_for(std::chrono::milliseconds(1)));
}

uvx::Task<void> Control::flush() {
  while (!unsent_.empty()) {
    const auto sent = base::send_with_fds(channel_.get(), unsent_.front(), {});
    if (!sent && sent.error().is(std::errc::resource_unavailable_try_again)) {
      if (!co_await poll_.writable()) co_return;
      continue;
    }
    unsent_.pop_front();
  }
}

}  // namespace router
