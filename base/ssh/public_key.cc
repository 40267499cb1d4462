#include "base/ssh/public_key.h"

#include <openssl/core_names.h>
#include <openssl/sha.h>

#include <array>

#include "base/log.h"
#include "base/ssh/openssl.h"
#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr size_t kEd25519Bytes = 32;
constexpr size_t kLeastModulus = 2048 / 8;
// Long ones make every look at a signature slow.
constexpr size_t kMostModulus = 4096 / 8;
constexpr size_t kMostExponent = 4;

struct Rsa {
  std::string_view exponent;
  std::string_view modulus;
};

std::optional<Rsa> read_rsa(Reader& reader) {
  const auto exponent = reader.positive();
  const auto modulus = exponent ? reader.positive() : std::nullopt;
  if (!modulus) return std::nullopt;
  return Rsa{*exponent, *modulus};
}

BigNumber number_of(std::string_view bytes) {
  return BigNumber(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
}

Key rsa_key(const Rsa& rsa) {
  const BigNumber modulus = number_of(rsa.modulus);
  const BigNumber exponent = number_of(rsa.exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return {};
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return {};
  return Key(key);
}

}  // namespace

std::string_view name_of(KeyType type) {
  return type == KeyType::ed25519 ? "ssh-ed25519" : "ssh-rsa";
}

base::Result<PublicKey> parse_public_key(std::string_view blob) {
  Reader reader(blob);
  const auto name = reader.string();
  if (!name) return base::fail("it is no key");
  if (*name == name_of(KeyType::ed25519)) {
    const auto point = reader.string();
    if (!point || point->size() != kEd25519Bytes || !reader.at_end())
      return base::fail("it is no ed25519 key");
    return PublicKey{KeyType::ed25519, std::string(blob)};
  }
  if (*name != name_of(KeyType::rsa))
    return base::fail("keys of type " + base::printable(*name, 40) + " are not taken");
  const auto rsa = read_rsa(reader);
  if (!rsa || !reader.at_end()) return base::fail("it is no RSA key");
  if (rsa->modulus.size() < kLeastModulus || rsa->modulus.size() > kMostModulus)
    return base::fail("an RSA key has 2048 to 4096 bits");
  if (rsa->exponent.size() > kMostExponent || (rsa->exponent.back() & 1) == 0 ||
      rsa->exponent == "\1")
    return base::fail("its exponent is not one of an RSA key");
  return PublicKey{KeyType::rsa, std::string(blob)};
}

PublicKey make_ed25519_key(std::string_view point) {
  return {KeyType::ed25519,
          Writer().string(name_of(KeyType::ed25519)).string(point).bytes()};
}

PublicKey make_rsa_key(std::string_view exponent, std::string_view modulus) {
  return {KeyType::rsa, Writer()
                            .string(name_of(KeyType::rsa))
                            .positive(exponent)
                            .positive(modulus)
                            .bytes()};
}

std::string fingerprint(const PublicKey& key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(octets(key.blob), key.blob.size(), digest.data());
  std::string text =
      encode_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
  text.erase(text.find_last_not_of('=') + 1);
  return "SHA256:" + text;
}

Key openssl_key(const PublicKey& key) {
  Reader reader(key.blob);
  static_cast<void>(reader.string());
  if (key.type == KeyType::ed25519) {
    const auto point = reader.string();
    return point ? Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                   octets(*point), point->size()))
                 : Key();
  }
  const auto rsa = read_rsa(reader);
  return rsa ? rsa_key(*rsa) : Key();
}

}  // namespace ssh
