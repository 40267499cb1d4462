// Signatures of subscription packets, by OpenSSL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace router {

/// Whether `signature` over `text` is by the private half of the public key in `pem_file`
/// (PEM, SubjectPublicKeyInfo; RSA PKCS#1 v1.5 as uWSGI signs, or any key that needs a
/// digest). An error if the digest or the file is of no use.
base::Result<bool> verify(const std::string& digest,
                          const std::string& pem_file,
                          std::string_view text,
                          std::string_view signature);

}  // namespace router
