#include "router/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/files.h"
#include "base/ssh/openssl.h"

namespace router {

namespace {

constexpr size_t kMostPem = 64 * 1024;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

base::Result<ssh::Key> read_key(const std::string& file) {
  TRY_ASSIGN(const std::string pem, base::read_file(file, kMostPem));
  const ssh::Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ssh::Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return base::fail(file + ": not a public key in PEM");
  return key;
}

}  // namespace

base::Result<bool> verify(const std::string& digest,
                          const std::string& pem_file,
                          std::string_view text,
                          std::string_view signature) {
  const EVP_MD* kind = EVP_get_digestbyname(digest.c_str());
  if (kind == nullptr) return base::fail("no digest is called " + digest);
  TRY_ASSIGN(const ssh::Key key, read_key(pem_file));
  const ssh::DigestContext context(EVP_MD_CTX_new());
  if (!context ||
      EVP_DigestVerifyInit(context.get(), nullptr, kind, nullptr, key.get()) != 1)
    return base::fail(pem_file + ": this key cannot verify a " + digest + " signature");
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                          text.size()) == 1;
}

}  // namespace router
