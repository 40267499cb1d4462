#include "vassal/sign/sign.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdio>
#include <memory>

namespace {

int no_passphrase(char*, int, int, void*) {
  return -1;  // nobody is there to type it
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const char* imperium_sign(
    const char* digest,
    const char* key_file,
    const char* text,
    std::size_t text_size,
    unsigned char* out,
    std::size_t* size) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(
      std::fopen(key_file, "re"), &std::fclose);
  if (!file) return "the private key cannot be read";
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_PrivateKey(file.get(), nullptr, no_passphrase, nullptr), &EVP_PKEY_free);
  if (!key) return "the private key is no PEM key without a passphrase";
  const EVP_MD* kind = EVP_get_digestbyname(digest);
  if (kind == nullptr) return "the digest is not known";
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, kind, nullptr, key.get()) != 1 ||
      EVP_DigestSignUpdate(context.get(), text, text_size) != 1 ||
      EVP_DigestSignFinal(context.get(), out, size) != 1)
    return "it cannot be signed with this key";
  return nullptr;
}
