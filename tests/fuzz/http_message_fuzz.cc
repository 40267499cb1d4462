// A request read whole and read byte by byte is the same: head, decoded body, and what
// follows it. What passes the checks becomes a packet that a worker can read.
#include <string>

#include "base/wire/uwsgi_packet.h"
#include "router/http_request.h"
#include "tests/fuzz/invariant.h"

namespace {

using router::HttpMessage;
using State = HttpMessage::State;

struct Outcome {
  State state;
  std::string body;
  size_t used = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, size_t step) {
  HttpMessage message(HttpMessage::Kind::request);
  size_t at = 0;
  while (message.state() == State::head && at < bytes.size()) {
    at = std::min(bytes.size(), at + step);
    message.read_head(bytes.substr(0, at));
  }
  Outcome outcome{message.state(), {}};
  if (outcome.state == State::head || outcome.state == State::broken)
    return {outcome.state, {}};
  outcome.used = message.head_size();
  while (message.state() == State::body && outcome.used < bytes.size()) {
    std::string piece(bytes.substr(outcome.used, step));
    const auto read = message.read_body(piece);
    outcome.body += piece.substr(0, read.body);
    outcome.used += read.consumed;
    if (message.state() == State::broken) return {State::broken, {}};
  }
  outcome.state = message.state();
  return outcome;
}

void check_packet(std::string_view bytes) {
  HttpMessage message(HttpMessage::Kind::request);
  const State state = message.read_head(bytes);
  if (state != State::body && state != State::complete) return;
  const auto request = router::check_request(message);
  if (!request) return;
  invariant(!request->chunked || !request->has_length, "a body has one framing");
  const auto packet = router::make_packet(*request, {"127.0.0.1", "1", "80"});
  if (!packet) return;
  wire::VarReader vars(std::string_view(*packet).substr(wire::kPacketHeader));
  while (vars.next()) {
  }
  invariant(vars.error() == nullptr, "a worker can read the packet");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  invariant(read(bytes, 4096) == read(bytes, 1), "pieces make no difference");
  check_packet(bytes);
  return 0;
}
