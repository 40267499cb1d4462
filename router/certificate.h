// Certificate: one pair of certificate and key, checked and ready to be shown.
//
// The key must be the certificate's, and both such as OpenSSL would use; whether a client
// trusts the certificate, or it has expired, is not asked.
#pragma once

#include <array>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/certificate_files.h"
#include "base/result.h"
#include "router/openssl.h"

namespace router {

/// Tells the contents of two pairs of files apart (SHA-256).
using Fingerprint = std::array<unsigned char, 32>;
Fingerprint fingerprint_of(const base::CertificateFile& file);

struct Certificate {
  std::string file;  ///< CertificateFile::name
  Openssl<X509> leaf;
  Openssl<STACK_OF(X509)> chain;
  Openssl<EVP_PKEY> key;
  /// What it is good for: host names, and "*.suffix". Of subjectAltName; the common name
  /// if that has none.
  std::vector<std::string> names;
  time_t expires = 0;
  Fingerprint fingerprint{};
};

class CertificateReader {
 public:
  CertificateReader();
  CertificateReader(const CertificateReader&) = delete;
  CertificateReader& operator=(const CertificateReader&) = delete;
  ~CertificateReader() = default;
  /// An error says what is wrong with which half. Keys with a passphrase are refused.
  base::Result<std::shared_ptr<const Certificate>> read(
      const base::CertificateFile& file);

 private:
  base::Result<> read_chain(const std::string& pem, Certificate& certificate);
  Openssl<EVP_PKEY> read_key(const std::string& pem);
  X509* above(const std::string& der);

  Openssl<SSL_CTX> probe_;       // takes a pair as a connection would
  EVP_PKEY* decoded_ = nullptr;  // where the decoder leaves a key
  Openssl<OSSL_DECODER_CTX> decoder_;
  std::map<std::string, Openssl<X509>> above_;  // by their bytes
};

}  // namespace router
