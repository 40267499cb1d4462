// A subscription that is understood has what a node needs, and stays itself when sent on.
#include "base/wire/subscription.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  const auto packet = wire::decode_subscription(datagram);
  if (!packet) return 0;
  invariant(!packet->key.empty() && !packet->address.empty(), "it names key and node");
  invariant(packet->weight >= 1, "every node has some weight");
  invariant(packet->signed_part.size() < datagram.size(), "the signature is outside");
  const auto again = wire::encode_subscription(*packet);
  if (!again) return 0;
  const auto back = wire::decode_subscription(*again);
  invariant(back && back->key == packet->key && back->address == packet->address &&
                back->weight == packet->weight && back->leave == packet->leave,
            "encoding and decoding changes nothing");
  return 0;
}
