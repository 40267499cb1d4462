#include "vassal/lifeline.h"

#include <unistd.h>

#include <string>

#include "base/fd_passing.h"
#include "base/wire/lifeline.h"
#include "vassal/journal.h"

namespace vassal {

void Lifeline::send(const wire::Message& message) {
  if (!fd_) return;
  const auto bytes = wire::encode(message);
  if (!bytes) return;
  if (const auto sent = base::send_with_fds(fd_.get(), *bytes, {}); !sent)
    say(Level::warn,
        "lifeline: " + message.verb + " was not heard: " + sent.error().message());
}

void Lifeline::hello() {
  wire::Message message{.verb = wire::lifeline::kHello, .fields = {}};
  message.set("pid", static_cast<uint64_t>(::getpid()))
      .set("version", std::string(IMPERIUM_VERSION));
  send(message);
}

void Lifeline::ready() {
  send({.verb = wire::lifeline::kReady, .fields = {}});
}

void Lifeline::draining() {
  send({.verb = wire::lifeline::kDraining, .fields = {}});
}

void Lifeline::failed(std::string_view reason) {
  wire::Message message{.verb = wire::lifeline::kFailed, .fields = {}};
  message.set("reason", std::string(reason));
  send(message);
}

void Lifeline::worker_died(uint32_t worker_id, std::string_view reason) {
  wire::Message message{.verb = wire::lifeline::kWorkerDied, .fields = {}};
  message.set("worker", uint64_t{worker_id}).set("reason", std::string(reason));
  send(message);
}

std::optional<wire::Message> Lifeline::receive() {
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
