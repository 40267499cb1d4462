#include "base/ssh/private_key.h"

#include <doctest/doctest.h>

#include "base/ssh/signature.h"
#include "tests/ssh/keys.h"

using ssh::PrivateKey;

TEST_SUITE("ssh") {
  TEST_CASE("private key: of ssh-keygen and of openssl, each signs what it says") {
    struct Row {
      const char* name;
      std::string_view text;
      std::string_view fingerprint;  ///< empty: any
    };
    const Row rows[] = {{"ed25519", keys::kEd, keys::kEdFingerprint},
                        {"rsa", keys::kRsa, keys::kRsaFingerprint},
                        {"PKCS#8 ed25519", keys::kPkcs8Ed, ""},
                        {"PKCS#8 rsa", keys::kPkcs8Rsa, ""}};
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto key = PrivateKey::parse(row.text);
      REQUIRE(key);
      if (!row.fingerprint.empty())
        CHECK(ssh::fingerprint(key->public_key()) == row.fingerprint);
      const auto signature = key->sign("text");
      REQUIRE(signature);
      CHECK_FALSE(ssh::refuse_signature(key->public_key(), "text", *signature));
      CHECK(ssh::refuse_signature(key->public_key(), "texT", *signature));
      const auto other =
          PrivateKey::parse(row.text == keys::kPkcs8Ed ? keys::kEd : keys::kPkcs8Ed);
      REQUIRE(other);
      CHECK(ssh::refuse_signature(other->public_key(), "text", *signature));
      for (size_t size = 0; size < signature->size(); ++size)
        CHECK(
            ssh::refuse_signature(key->public_key(), "text", signature->substr(0, size)));
      std::string spoilt = *signature;
      spoilt.back() = static_cast<char>(spoilt.back() ^ 1);
      CHECK(ssh::refuse_signature(key->public_key(), "text", spoilt));
      CHECK(ssh::refuse_signature(key->public_key(), "text", *signature + "x"));
    }
  }

  TEST_CASE("private key: one with a passphrase says that an agent is needed") {
    for (const auto text : {keys::kLocked, keys::kPkcs8Locked}) {
      const auto key = PrivateKey::parse(text);
      REQUIRE_FALSE(key);
      CHECK(key.error().message().find("use --agent") != std::string::npos);
    }
  }

  TEST_CASE("private key: what is none says so") {
    const auto ec = PrivateKey::parse(keys::kEc);
    REQUIRE_FALSE(ec);
    CHECK(ec.error().message().find("are not taken") != std::string::npos);
    CHECK_FALSE(PrivateKey::parse(""));
    CHECK_FALSE(PrivateKey::parse(keys::kEdPublic));
    for (const auto text : {keys::kEd, keys::kRsa, keys::kPkcs8Ed, keys::kLocked})
      for (size_t size = 0; size + 20 < text.size(); ++size)
        CHECK_FALSE(PrivateKey::parse(text.substr(0, size)));
  }

  TEST_CASE("private key: a damaged byte never makes another key") {
    for (size_t at = 40; at + 40 < keys::kEd.size(); ++at) {
      std::string text(keys::kEd);
      if (text[at] == '\n') continue;
      text[at] = text[at] == 'A' ? 'B' : 'A';
      const auto key = PrivateKey::parse(text);
      if (key) CHECK(ssh::fingerprint(key->public_key()) == keys::kEdFingerprint);
    }
  }
}
