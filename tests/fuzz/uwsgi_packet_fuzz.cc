// A block that was read without error builds the same block again.
#include "base/wire/uwsgi_packet.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view block(reinterpret_cast<const char*>(data), size);
  if (size > wire::kMaxBlock) return 0;
  wire::VarReader reader(block);
  wire::PacketBuilder packet;
  size_t vars = 0;
  while (const auto var = reader.next()) {
    invariant(packet.add(var->key, var->value), "what fitted once fits again");
    ++vars;
  }
  invariant(vars <= wire::kMaxVars, "the number of variables is bounded");
  if (reader.error() == nullptr)
    invariant(packet.bytes().substr(wire::kPacketHeader) == block,
              "decode and encode are inverse");
  return 0;
}
