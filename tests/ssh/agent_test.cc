#include "base/ssh/agent.h"

#include <doctest/doctest.h>

#include "base/ssh/authorized_keys.h"
#include "base/ssh/signature.h"
#include "base/ssh/wire.h"
#include "tests/ssh/hex.h"
#include "tests/ssh/keys.h"

using support::from_hex;

namespace {

ssh::PublicKey public_key(std::string_view text) {
  const auto parsed = ssh::parse_authorized_keys(text);
  REQUIRE(parsed.keys.size() == 1);
  return parsed.keys.front().key;
}

std::string signature_of(std::string_view answer) {
  const auto signature = ssh::decode_sign_answer(from_hex(answer));
  REQUIRE(signature);
  return *signature;
}

}  // namespace

TEST_SUITE("ssh") {
  TEST_CASE("agent: a real one's signatures are good, except those with SHA-1") {
    const auto ed = public_key(keys::kEdPublic);
    const auto rsa = public_key(keys::kRsaPublic);
    using ssh::refuse_signature;
    CHECK_FALSE(refuse_signature(ed, keys::kText, signature_of(keys::kEdSignAnswer)));
    CHECK_FALSE(
        refuse_signature(rsa, keys::kText, signature_of(keys::kRsa512SignAnswer)));
    CHECK_FALSE(
        refuse_signature(rsa, keys::kText, signature_of(keys::kRsa256SignAnswer)));
    CHECK(refuse_signature(rsa, keys::kText, signature_of(keys::kRsaSha1SignAnswer)) ==
          "its signature is made with SHA-1");
    CHECK(refuse_signature(rsa, keys::kText, signature_of(keys::kEdSignAnswer)) ==
          "its signature is not of this key's kind");
    CHECK(refuse_signature(ed, "another text", signature_of(keys::kEdSignAnswer)) ==
          "its signature is wrong");
  }

  TEST_CASE("agent: its list has our kinds of keys") {
    const std::string answer = from_hex(keys::kListAnswer);
    const auto held = ssh::decode_list_answer(answer);
    REQUIRE(held);
    REQUIRE(held->size() == 2);
    CHECK((*held)[0].key == public_key(keys::kEdPublic));
    CHECK((*held)[0].comment == "one");
    CHECK((*held)[1].key == public_key(keys::kRsaPublic));
    for (size_t size = 0; size < answer.size(); ++size)
      CHECK_FALSE(ssh::decode_list_answer(answer.substr(0, size)));
    CHECK_FALSE(ssh::decode_list_answer(answer + "x"));
    CHECK_FALSE(ssh::decode_list_answer("\x05"));
    CHECK_FALSE(ssh::decode_list_answer("\x0c\xff\xff\xff\xff"));
  }

  TEST_CASE("agent: a refusal, and an answer that is cut") {
    CHECK(ssh::decode_sign_answer("\x05").error().message() ==
          "the agent does not sign with this key");
    const std::string answer = from_hex(keys::kEdSignAnswer);
    for (size_t size = 0; size < answer.size(); ++size)
      CHECK_FALSE(ssh::decode_sign_answer(answer.substr(0, size)));
    CHECK_FALSE(ssh::decode_sign_answer(answer + "x"));
  }

  TEST_CASE("agent: a request names the key, the text, and SHA-512 for RSA") {
    const auto rsa = public_key(keys::kRsaPublic);
    const std::string request = ssh::encode_sign_request(rsa, "text");
    ssh::Reader frame(request);
    const auto body = frame.string();
    REQUIRE(body);
    CHECK(frame.at_end());
    ssh::Reader reader(*body);
    CHECK(reader.byte() == 13);
    CHECK(reader.string() == rsa.blob);
    CHECK(reader.string() == "text");
    CHECK(reader.number() == 4U);
    CHECK(reader.at_end());
    CHECK(ssh::encode_list_request() == std::string("\0\0\0\1\x0b", 5));
  }
}
