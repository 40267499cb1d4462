#include "router/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/wire/host_name.h"

namespace router {

namespace {

/// Nobody is there to type one.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

Openssl<BIO> reading(const std::string& pem) {
  return Openssl<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::unexpected<base::Error> wrong(std::string_view what) {
  std::string context(what);
  if (ERR_peek_last_error() != 0) {
    context += ": ";
    context += openssl_fault();
  }
  return base::fail(std::move(context));
}

/// Whether reading stopped only because there is no more.
bool at_end_of_pem() {
  const auto error = ERR_peek_last_error();
  const bool end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

base::Result<> read_chain(const std::string& pem, Certificate& certificate) {
  const auto bio = reading(pem);
  certificate.leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate.leaf) return wrong("there is no readable certificate");
  certificate.chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
    sk_X509_push(certificate.chain.get(), next);
  if (!at_end_of_pem()) return wrong("the chain behind the certificate is broken");
  return {};
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

void add_name(std::string_view name, std::vector<std::string>& names) {
  if (auto domain = wire::normalise_domain(name))
    if (std::ranges::find(names, *domain) == names.end())
      names.push_back(*std::move(domain));
}

std::vector<std::string> names_of(const X509* leaf) {
  std::vector<std::string> names;
  const Openssl<GENERAL_NAMES> alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add_name(text_of(name->d.dNSName), names);
  }
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0)
    add_name(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))), names);
  return names;
}

time_t end_of(const X509* leaf) {
  tm end{};
  return ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) == 1 ? ::timegm(&end) : 0;
}

}  // namespace

Fingerprint fingerprint_of(const base::CertificateFile& file) {
  std::string all = std::to_string(file.certificate.size()) + ' ';
  all += file.certificate;
  all += file.key;
  Fingerprint digest;
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  OPENSSL_cleanse(all.data(), all.size());
  return digest;
}

CertificateReader::CertificateReader() : probe_(SSL_CTX_new(TLS_server_method())) {}

base::Result<std::shared_ptr<const Certificate>> CertificateReader::read(
    const base::CertificateFile& file) const {
  if (!file.fault.empty()) return base::fail(file.fault);
  ERR_clear_error();
  auto certificate = std::make_shared<Certificate>();
  certificate->file = file.name;
  TRY(read_chain(file.certificate, *certificate));
  const auto bio = reading(file.key);
  certificate->key.reset(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate->key) return wrong("there is no readable private key");
  if (SSL_CTX_use_cert_and_key(probe_.get(), certificate->leaf.get(),
                               certificate->key.get(), certificate->chain.get(), 1) != 1)
    return wrong("certificate and key cannot be used together");
  certificate->names = names_of(certificate->leaf.get());
  certificate->expires = end_of(certificate->leaf.get());
  certificate->fingerprint = fingerprint_of(file);
  ERR_clear_error();
  return std::shared_ptr<const Certificate>(std::move(certificate));
}

}  // namespace router
