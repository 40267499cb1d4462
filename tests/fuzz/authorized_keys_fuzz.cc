// Whatever stands in a tenant's file: every key taken is a whole one, in bounds, and
// means the same when it stands alone.
#include "base/ssh/authorized_keys.h"
#include "base/ssh/wire.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = ssh::parse_authorized_keys(text);
  invariant(parsed.keys.size() <= ssh::kMostAuthorizedKeys, "so many keys and no more");
  for (const auto& entry : parsed.keys) {
    const auto again = ssh::parse_public_key(entry.key.blob);
    invariant(again && *again == entry.key, "it is a key");
    const std::string line = std::string(ssh::name_of(entry.key.type)) + " " +
                             ssh::encode_base64(entry.key.blob);
    const auto alone = ssh::parse_authorized_keys(line);
    invariant(alone.keys.size() == 1 && alone.keys.front().key == entry.key,
              "it is the same key alone");
  }
  return 0;
}
