// Signs with a private key, by OpenSSL: a shared object of its own, which is opened when
// a first signature is wanted. Other vassals carry none of it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vassal {

class Signer {
 public:
  /// `directory`: where imperium_sign.so is.
  explicit Signer(std::string directory) : directory_(std::move(directory)) {}

  /// The signature of `text` (RSA: PKCS#1 v1.5) with the key in `key_file`, PEM without a
  /// passphrase. `digest` by OpenSSL's name: "SHA256".
  base::Result<std::string> sign(const std::string& digest,
                                 const std::string& key_file,
                                 std::string_view text);

 private:
  base::Result<> open();

  std::string directory_;
  void* function_ = nullptr;
};

}  // namespace vassal
