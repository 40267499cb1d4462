// A message that was decoded encodes to one that decodes to the same.
#include "base/wire/message.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto message = wire::decode_message(bytes);
  if (!message) return 0;
  const auto again = wire::encode(*message);
  invariant(again.has_value(), "what was decoded can be encoded");
  const auto back = wire::decode_message(*again);
  invariant(back && back->verb == message->verb && back->fields == message->fields,
            "a message survives the way there and back");
  return 0;
}
