#include "base/ssh/private_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/log.h"
#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr size_t kMostFile = 64 * 1024;
constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr const char* kPassphrase =
    "it has a passphrase: add it to an ssh-agent and use --agent";

/// Takes a secret out of memory when it goes.
class Wiped {
 public:
  explicit Wiped(std::string& secret) : secret_(secret) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

 private:
  std::string& secret_;
};

/// The bytes of an armoured key; nothing if they are not well-formed.
std::optional<std::string> without_armour(std::string_view text) {
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == text.npos || end == text.npos || end < begin) return std::nullopt;
  std::string body(text.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  const Wiped wiped(body);
  std::erase_if(body, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  return decode_base64(body);
}

bool pads(std::string_view rest) {
  for (size_t i = 0; i < rest.size(); ++i)
    if (static_cast<unsigned char>(rest[i]) != ((i + 1) & 0xff)) return false;
  return true;
}

using Built = base::Result<std::pair<PublicKey, Key>>;

Built build_ed25519(Reader& reader) {
  constexpr size_t kPoint = 32;
  const auto point = reader.string();
  const auto secret = point ? reader.string() : std::nullopt;
  if (!secret || point->size() != kPoint || secret->size() != 2 * kPoint ||
      secret->substr(kPoint) != *point)
    return base::fail("its ed25519 key is malformed");
  Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octets(*secret), kPoint));
  std::array<unsigned char, kPoint> made{};
  size_t size = made.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), made.data(), &size) != 1 ||
      !std::ranges::equal(made, *point, [](unsigned char a, char b) {
        return a == static_cast<unsigned char>(b);
      }))
    return base::fail("its two halves do not belong together");
  return std::pair(make_ed25519_key(*point), std::move(key));
}

/// The three numbers that a signature needs; the others only make it faster.
Key build_rsa_key(std::string_view n, std::string_view e, std::string_view d) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const std::array<std::pair<const char*, std::string_view>, 3> fields{
      {{OSSL_PKEY_PARAM_RSA_N, n},
       {OSSL_PKEY_PARAM_RSA_E, e},
       {OSSL_PKEY_PARAM_RSA_D, d}}};
  std::array<BigNumber, 3> numbers;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto [name, bytes] = fields[i];
    numbers[i] =
        BigNumber(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
    if (!numbers[i] || OSSL_PARAM_BLD_push_BN(builder.get(), name, numbers[i].get()) != 1)
      return {};
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1)
    return {};
  return Key(key);
}

Built build_rsa(Reader& reader) {
  std::array<std::string_view, 6> numbers;  // n, e, d, iqmp, p, q
  for (auto& number : numbers) {
    const auto value = reader.positive();
    if (!value) return base::fail("its RSA key is malformed");
    number = *value;
  }
  const auto [n, e, d, iqmp, p, q] = numbers;
  auto shown = make_rsa_key(e, n);
  TRY_ASSIGN(shown, parse_public_key(shown.blob));
  auto key = build_rsa_key(n, e, d);
  if (!key) return base::fail("its RSA key is malformed");
  return std::pair(std::move(shown), std::move(key));
}

Built build(Reader& reader) {
  const auto check = reader.number();
  if (!check || reader.number() != check) return base::fail("it is damaged");
  const auto type = reader.string();
  if (!type) return base::fail("it is damaged");
  auto built =
      *type == name_of(KeyType::ed25519) ? build_ed25519(reader)
      : *type == name_of(KeyType::rsa)
          ? build_rsa(reader)
          : base::fail("keys of type " + base::printable(*type, 40) + " are not taken");
  if (!built) return built;
  if (!reader.string() || !pads(reader.rest())) return base::fail("it is damaged");
  return built;
}

/// The big-endian bytes of an RSA key's number.
std::optional<std::string> rsa_number(const Key& key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), name, &raw) != 1) return std::nullopt;
  const BigNumber number(raw);
  std::string bytes(static_cast<size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

base::Result<PublicKey> public_half(const Key& key) {
  if (EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519) {
    std::array<char, 32> point{};
    size_t size = point.size();
    if (EVP_PKEY_get_raw_public_key(
            key.get(), reinterpret_cast<unsigned char*>(point.data()), &size) == 1)
      return make_ed25519_key({point.data(), size});
  }
  if (EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA) {
    const auto e = rsa_number(key, OSSL_PKEY_PARAM_RSA_E);
    const auto n = rsa_number(key, OSSL_PKEY_PARAM_RSA_N);
    if (e && n) return parse_public_key(make_rsa_key(*e, *n).blob);
  }
  return base::fail("only ed25519 and RSA keys are taken");
}

/// OpenSSL asks for a passphrase only here, and gets none.
int ask_nobody(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

base::Result<PrivateKey> PrivateKey::parse(std::string_view text) {
  if (text.find(kBegin) == text.npos) return from_pem(text);
  auto bytes = without_armour(text);
  if (!bytes) return base::fail("it is damaged");
  const Wiped wiped(*bytes);
  return from_openssh(*bytes);
}

base::Result<PrivateKey> PrivateKey::from_openssh(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return base::fail("it is damaged");
  Reader reader(bytes.substr(kMagic.size()));
  const auto cipher = reader.string();
  const auto derivation = reader.string();
  const auto parameters = reader.string();
  const auto count = reader.number();
  const auto shown = reader.string();
  const auto secret = reader.string();
  if (!cipher || !derivation || !parameters || count != 1U || !shown || !secret ||
      !reader.at_end())
    return base::fail("it is damaged");
  if (*cipher != "none") return base::fail(kPassphrase);
  Reader inner(*secret);
  auto built = build(inner);
  if (!built) return std::unexpected(built.error());
  if (built->first.blob != *shown)
    return base::fail("its two halves do not belong together");
  return PrivateKey(std::move(built->first), std::move(built->second));
}

base::Result<PrivateKey> PrivateKey::from_pem(std::string_view text) {
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  bool asked = false;
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, ask_nobody, &asked)
              : nullptr);
  if (asked) return base::fail(kPassphrase);
  if (!key) return base::fail("it is no private key");
  TRY_ASSIGN(PublicKey shown, public_half(key));
  return PrivateKey(std::move(shown), std::move(key));
}

base::Result<PrivateKey> PrivateKey::read(const std::string& path) {
  TRY_ASSIGN(std::string text, base::read_file(path, kMostFile));
  const Wiped wiped(text);
  auto key = parse(text);
  if (!key) return base::wrap(key.error(), path);
  return key;
}

base::Result<std::string> PrivateKey::sign(std::string_view text) const {
  return ssh::sign(secret_.get(), public_.type, text);
}

}  // namespace ssh
