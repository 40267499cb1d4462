// Whatever an agent answers, or a packet says is a signature, stays in bounds.
#include "base/ssh/agent.h"
#include "base/ssh/signature.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  if (const auto held = ssh::decode_list_answer(message))
    for (const auto& one : *held)
      invariant(ssh::parse_public_key(one.key.blob).has_value(), "it is a key");
  const auto signature = ssh::decode_sign_answer(message);
  if (!signature) return 0;
  invariant(!signature->empty() && signature->size() < size, "it is within the message");
  static const auto key = ssh::make_ed25519_key(std::string(32, 'k'));
  invariant(ssh::refuse_signature(key, "text", *signature).has_value(),
            "nobody has the private half");
  return 0;
}
