// However a client's bytes are cut into pieces: the same messages, the same ending, the
// same words to the client; none of the messages longer than allowed.
#include "tests/fuzz/invariant.h"
#include "vassal/websocket.h"

namespace {

constexpr size_t kMost = 200;

struct Heard {
  std::string text;
  std::string said;
};

Heard hear(std::string_view bytes, size_t step) {
  vassal::WebSocket socket(kMost);
  Heard heard;
  for (size_t i = 0; i < bytes.size(); i += step) {
    socket.feed(bytes.substr(i, step));
    heard.said += socket.take_output();
    for (const auto& message : socket.take_messages()) {
      invariant(message.data.size() <= kMost, "no message is longer than allowed");
      heard.text += message.text ? "T" : "B";
      heard.text += std::to_string(message.data.size()) + ":" + message.data;
    }
  }
  if (const auto& ending = socket.ending())
    heard.text += "E" + std::to_string(ending->code) + ":" + ending->reason;
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Heard whole = hear(bytes, bytes.size() + 1);
  for (const size_t step : {size_t{1}, size_t{5}}) {
    const Heard cut = hear(bytes, step);
    invariant(cut.text == whole.text, "pieces make no difference to what is heard");
    invariant(cut.said == whole.said, "nor to what is said");
  }
  return 0;
}
