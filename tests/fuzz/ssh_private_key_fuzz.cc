// Whatever stands in the file of a private key: what is taken signs for its public half.
#include "base/ssh/private_key.h"
#include "base/ssh/signature.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = ssh::PrivateKey::parse(text);
  if (!key) return 0;
  invariant(!ssh::fingerprint(key->public_key()).empty(), "its public half is a key");
  // Numbers of an RSA key that do not belong together are only seen at the end.
  if (key->public_key().type != ssh::KeyType::ed25519) return 0;
  const auto signature = key->sign("text");
  invariant(signature && !ssh::refuse_signature(key->public_key(), "text", *signature),
            "it signs for its public half");
  return 0;
}
