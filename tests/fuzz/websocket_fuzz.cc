// However a client's bytes are cut into pieces: the same messages, none of them longer
// than allowed, and nothing but whole pongs and one last close frame for an answer.
#include "tests/fuzz/invariant.h"
#include "vassal/websocket.h"

namespace {

constexpr size_t kMost = 200;

void check_answer(std::string_view said) {
  while (!said.empty()) {
    const auto kind = static_cast<unsigned char>(said[0]);
    invariant(kind == 0x8a || kind == 0x88, "pongs and close frames are all it says");
    invariant(said.size() >= 2 && static_cast<unsigned char>(said[1]) <= 125,
              "they are as short as control frames are");
    const size_t size = 2 + static_cast<unsigned char>(said[1]);
    invariant(said.size() >= size, "they are whole");
    invariant(kind != 0x88 || said.size() == size, "nothing follows a close frame");
    said.remove_prefix(size);
  }
}

/// The messages, one behind the other.
std::string hear(std::string_view bytes, size_t step) {
  vassal::WebSocket socket(kMost);
  std::string heard;
  std::string said;
  for (size_t i = 0; i < bytes.size(); i += step) {
    socket.feed(bytes.substr(i, step));
    said += socket.take_output();
    for (const auto& message : socket.take_messages()) {
      invariant(message.data.size() <= kMost, "no message is longer than allowed");
      heard += message.text ? "T" : "B";
      heard += std::to_string(message.data.size()) + ":" + message.data;
    }
  }
  if (const auto& ending = socket.ending())
    invariant(ending->code >= 1000 && ending->code < 5000 && ending->reason.size() <= 123,
              "an ending is one that the protocol knows");
  check_answer(said);
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = hear(bytes, bytes.size() + 1);
  for (const size_t step : {size_t{1}, size_t{5}})
    invariant(hear(bytes, step) == whole, "pieces make no difference to what is heard");
  return 0;
}
