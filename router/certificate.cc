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

struct PemBlock {
  std::string label;  ///< "CERTIFICATE"
  std::string der;
  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() { OPENSSL_cleanse(der.data(), der.size()); }  // of a key, perhaps
};

enum class NextBlock { read, none, broken };

NextBlock read_block(BIO* bio, PemBlock& block) {
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio, &label, &header, &data, &size) != 1) {
    const auto error = ERR_peek_last_error();
    const bool end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (end) ERR_clear_error();
    return end ? NextBlock::none : NextBlock::broken;
  }
  block.label = label;
  block.der.assign(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<size_t>(size));
  return NextBlock::read;
}

Openssl<X509> parse_x509(const std::string& der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  return Openssl<X509>(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
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

/// Most sites have the same few certificates above theirs: each is parsed once.
X509* CertificateReader::above(const std::string& der) {
  auto& known = above_[der];
  if (!known) known = parse_x509(der);
  if (!known || X509_up_ref(known.get()) != 1) return nullptr;
  return known.get();
}

base::Result<> CertificateReader::read_chain(const std::string& pem,
                                             Certificate& certificate) {
  const auto bio = reading(pem);
  certificate.chain.reset(sk_X509_new_null());
  for (;;) {
    PemBlock block;
    const auto next = read_block(bio.get(), block);
    if (next == NextBlock::broken && certificate.leaf)
      return wrong("the chain behind the certificate is broken");
    if (next != NextBlock::read) break;
    if (block.label != PEM_STRING_X509 && block.label != PEM_STRING_X509_OLD) continue;
    if (!certificate.leaf) {
      certificate.leaf = parse_x509(block.der);
      if (!certificate.leaf) break;
    } else if (X509* one = above(block.der); one != nullptr) {
      sk_X509_push(certificate.chain.get(), one);
    } else {
      return wrong("the chain behind the certificate is broken");
    }
  }
  if (!certificate.leaf) return wrong("there is no readable certificate");
  return {};
}

CertificateReader::CertificateReader()
    : probe_(SSL_CTX_new(TLS_server_method())),
      decoder_(OSSL_DECODER_CTX_new_for_pkey(
          &decoded_, "PEM", nullptr, nullptr, EVP_PKEY_KEYPAIR, nullptr, nullptr)) {
  OSSL_DECODER_CTX_set_pem_password_cb(decoder_.get(), no_passphrase, nullptr);
}

/// To make a decoder costs several times what it takes to decode: one is used for all. If
/// it does not like a key, a fresh one has the last word.
Openssl<EVP_PKEY> CertificateReader::read_key(const std::string& pem) {
  decoded_ = nullptr;
  const bool done = OSSL_DECODER_from_bio(decoder_.get(), reading(pem).get()) == 1;
  Openssl<EVP_PKEY> key(std::exchange(decoded_, nullptr));
  if (done && key) return key;
  ERR_clear_error();
  return Openssl<EVP_PKEY>(
      PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, no_passphrase, nullptr));
}

base::Result<std::shared_ptr<const Certificate>> CertificateReader::read(
    const base::CertificateFile& file) {
  if (!file.fault.empty()) return base::fail(file.fault);
  ERR_clear_error();
  auto certificate = std::make_shared<Certificate>();
  certificate->file = file.name;
  TRY(read_chain(file.certificate, *certificate));
  certificate->key = read_key(file.key);
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
