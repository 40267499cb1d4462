// Signatures of SSH keys (RFC 8332, RFC 8709): the name of an algorithm and its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ssh/public_key.h"

namespace ssh {

/// Why `signature` is not the key's over `text`; nothing if it is. ssh-ed25519,
/// rsa-sha2-256 and rsa-sha2-512; the SHA-1 of "ssh-rsa" is refused.
std::optional<std::string> refuse_signature(const PublicKey& key,
                                            std::string_view text,
                                            std::string_view signature);

}  // namespace ssh
