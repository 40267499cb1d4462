// Public keys of SSH (RFC 4253, section 6.6; RFC 8709): ed25519 and RSA.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ssh {

enum class KeyType { ed25519, rsa };
/// "ssh-ed25519", "ssh-rsa".
std::string_view name_of(KeyType type);

struct PublicKey {
  KeyType type = KeyType::ed25519;
  std::string blob;  ///< as in authorized_keys, behind the base64

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

/// The key of a blob; the error says what is wrong: another type, a size that no sane key
/// has (RSA has 2048 to 4096 bits), something behind it.
base::Result<PublicKey> parse_public_key(std::string_view blob);
PublicKey make_ed25519_key(std::string_view point);
PublicKey make_rsa_key(std::string_view exponent, std::string_view modulus);

/// "SHA256:..." as ssh-keygen -l prints it.
std::string fingerprint(const PublicKey& key);

}  // namespace ssh
