#include "vassal/lifeline.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/fd_passing.h"
#include "base/wire/lifeline.h"
#include "vassal/journal.h"

namespace vassal {

using Word = wire::emperor_byte::Word;

void Lifeline::send(const wire::Message& message) {
  if (!fd_ || speech_ != Speech::messages) return;
  const auto bytes = wire::encode(message);
  if (!bytes) return;
  if (const auto sent = base::send_with_fds(fd_.get(), *bytes, {}); !sent)
    say(Level::warn,
        "lifeline: " + message.verb + " was not heard: " + sent.error().message());
}

void Lifeline::send(Word word) {
  if (!fd_ || speech_ != Speech::emperor_bytes) return;
  const auto byte = static_cast<uint8_t>(word);
  if (::send(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
    say(Level::warn,
        "emperor: " + std::string(wire::emperor_byte::name_of(word)) + " was not heard");
}

void Lifeline::hello() {
  wire::Message message{.verb = wire::lifeline::kHello, .fields = {}};
  message.set("pid", static_cast<uint64_t>(::getpid()))
      .set("version", std::string(IMPERIUM_VERSION));
  send(message);
}

void Lifeline::ready() {
  if (ready_ != nullptr) ready_->store(1, std::memory_order_release);
  send({.verb = wire::lifeline::kReady, .fields = {}});
  send(Word::spawned);
  send(Word::accepting);
}

void Lifeline::draining() {
  send({.verb = wire::lifeline::kDraining, .fields = {}});
}

void Lifeline::heartbeat() {
  send({.verb = wire::lifeline::kHeartbeat, .fields = {}});
  send(Word::heartbeat);
}

void Lifeline::loyal() {
  send(Word::loyal);
  loyal_ = true;
}

void Lifeline::idle() {
  send({.verb = wire::lifeline::kIdle, .fields = {}});
  send(Word::leaving);
}

void Lifeline::failed(std::string_view reason) {
  wire::Message message{.verb = wire::lifeline::kFailed, .fields = {}};
  message.set("reason", std::string(reason));
  send(message);
}

void Lifeline::ask_log(const char* how) {
  send({.verb = how, .fields = {}});
}

bool Lifeline::ask_reload(std::string_view why) {
  if (!fd_ || speech_ != Speech::messages) return false;
  wire::Message message{.verb = wire::lifeline::kReloadMe, .fields = {}};
  message.set("reason", std::string(why));
  send(message);
  return true;
}

void Lifeline::worker_died(uint32_t worker_id, std::string_view reason) {
  wire::Message message{.verb = wire::lifeline::kWorkerDied, .fields = {}};
  message.set("worker", uint64_t{worker_id}).set("reason", std::string(reason));
  send(message);
}

/// The order in the words of our own line.
std::optional<wire::Message> Lifeline::receive_byte() {
  uint8_t byte = 0;
  const ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  using enum wire::emperor_byte::Order;
  const auto order = n == 1 ? wire::emperor_byte::order_of(byte) : stop;
  if (n != 1) {
    say(Level::warn, "emperor: gone, so this vassal goes, too");
    fd_.reset();
  }
  // What is no order at all is a message without a verb.
  wire::Message message;
  if (order == reload) message.verb = wire::lifeline::kReload;
  if (order == stop || order == stop_gracefully) message.verb = wire::lifeline::kDrain;
  return message;
}

std::optional<wire::Message> Lifeline::receive() {
  if (fd_ && speech_ == Speech::emperor_bytes) return receive_byte();
  while (fd_) {
    std::string buffer(4096, '\0');
    const auto received = base::receive_with_fds(fd_.get(), buffer);
    if (!received && received.error().is(std::errc::message_size)) continue;
    if (!received && received.error().is(std::errc::resource_unavailable_try_again))
      return {};
    if (!received || received->size == 0) {
      fd_.reset();
      return {};
    }
    if (auto message =
            wire::decode_message(std::string_view(buffer).substr(0, received->size)))
      return message;
  }
  return {};
}

}  // namespace vassal
