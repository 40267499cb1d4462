// Certificates made in the test: self-signed, of a curve key, with the names wanted.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/certificate_files.h"
#include "router/openssl.h"

namespace router_test {

inline std::string pem_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

struct CertificateWish {
  std::vector<std::string> names = {};  ///< subjectAltName
  std::string common_name = "made in a test";
  long days = 30;
  bool rsa = false;  ///< instead of a curve
};

inline base::CertificateFile made_certificate(const std::string& file,
                                              const CertificateWish& wish) {
  const router::Openssl<EVP_PKEY> key(wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const router::Openssl<X509> x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -86400);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), wish.days * 86400);
  X509_set_pubkey(x509.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509.get(), subject);
  std::string alternatives;
  for (const std::string& name : wish.names)
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  if (!alternatives.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) != 0);

  const router::Openssl<BIO> chain(BIO_new(BIO_s_mem()));
  const router::Openssl<BIO> secret(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(chain.get(), x509.get());
  PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr,
                           nullptr);
  return {file, pem_of(chain.get()), pem_of(secret.get())};
}

}  // namespace router_test
