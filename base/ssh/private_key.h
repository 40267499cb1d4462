// Private keys from files: OpenSSH's own form without a passphrase, or PEM as OpenSSL
// reads it (PKCS#8, PKCS#1).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/ssh/openssl.h"

namespace ssh {

class PrivateKey {
 public:
  /// The key in `text`. The error says what is wrong; for one with a passphrase, that an
  /// agent has to sign.
  static base::Result<PrivateKey> parse(std::string_view text);
  /// The same of a file, of at most 64 KiB.
  static base::Result<PrivateKey> read(const std::string& path);

  const PublicKey& public_key() const { return public_; }
  /// A signature of SSH (ssh/signature.h).
  base::Result<std::string> sign(std::string_view text) const;

 private:
  PrivateKey(PublicKey shown, Key secret)
      : public_(std::move(shown)), secret_(std::move(secret)) {}
  static base::Result<PrivateKey> from_openssh(std::string_view bytes);
  static base::Result<PrivateKey> from_pem(std::string_view text);

  PublicKey public_;
  Key secret_;
};

}  // namespace ssh
