#include "base/ssh/signature.h"

#include "base/ssh/openssl.h"
#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr std::string_view kEd25519 = "ssh-ed25519";
constexpr std::string_view kRsa256 = "rsa-sha2-256";
constexpr std::string_view kRsa512 = "rsa-sha2-512";
constexpr std::string_view kRsa1 = "ssh-rsa";

/// The digest that goes with the algorithm's name; ed25519 has none of its own.
const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm == kRsa256) return EVP_sha256();
  if (algorithm == kRsa512) return EVP_sha512();
  return nullptr;
}

bool fits(KeyType type, std::string_view algorithm) {
  if (type == KeyType::ed25519) return algorithm == kEd25519;
  return algorithm == kRsa256 || algorithm == kRsa512;
}

}  // namespace

std::optional<std::string> refuse_signature(const PublicKey& key,
                                            std::string_view text,
                                            std::string_view signature) {
  Reader reader(signature);
  const auto algorithm = reader.string();
  const auto given = algorithm ? reader.string() : std::nullopt;
  if (!given || !reader.at_end()) return "its signature is malformed";
  if (*algorithm == kRsa1) return "its signature is made with SHA-1";
  if (!fits(key.type, *algorithm)) return "its signature is not of this key's kind";
  const Key pkey = openssl_key(key);
  const DigestContext context(EVP_MD_CTX_new());
  if (!pkey || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, digest_of(*algorithm), nullptr,
                           pkey.get()) != 1)
    return "its key is not usable";
  // Some programs leave leading zeros of an RSA signature out.
  std::string bytes(*given);
  if (const auto whole = static_cast<size_t>(EVP_PKEY_get_size(pkey.get()));
      key.type == KeyType::rsa && bytes.size() < whole)
    bytes.insert(0, whole - bytes.size(), '\0');
  if (EVP_DigestVerify(context.get(), octets(bytes), bytes.size(), octets(text),
                       text.size()) != 1)
    return "its signature is wrong";
  return std::nullopt;
}

base::Result<std::string> sign(EVP_PKEY* key, KeyType type, std::string_view text) {
  const std::string_view algorithm = type == KeyType::ed25519 ? kEd25519 : kRsa512;
  const DigestContext context(EVP_MD_CTX_new());
  size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, digest_of(algorithm), nullptr, key) !=
          1 ||
      EVP_DigestSign(context.get(), nullptr, &size, octets(text), text.size()) != 1)
    return base::fail("the key does not sign");
  std::string bytes(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size,
                     octets(text), text.size()) != 1)
    return base::fail("the key does not sign");
  bytes.resize(size);
  return Writer().string(algorithm).string(bytes).bytes();
}

}  // namespace ssh
