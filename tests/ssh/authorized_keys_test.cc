#include "base/ssh/authorized_keys.h"

#include <doctest/doctest.h>

#include "tests/ssh/keys.h"

using ssh::parse_authorized_keys;

namespace {

std::string first_reason(std::string_view text) {
  const auto parsed = parse_authorized_keys(text);
  CHECK(parsed.keys.empty());
  return parsed.skipped.empty() ? "nothing is skipped" : parsed.skipped.front().reason;
}

std::string key_line(std::string_view before, std::string_view key = keys::kEdPublic) {
  return std::string(before) + std::string(key);
}

}  // namespace

TEST_SUITE("ssh") {
  TEST_CASE("authorized keys: keys of ssh-keygen, with and without hosts") {
    const auto parsed = parse_authorized_keys(
        "# a comment\n\n" + key_line("") +
        key_line("  hosts=\"a.example,*.b.example\" ", keys::kRsaPublic) +
        key_line("hosts=\"\" ") + "\r\n");
    CHECK(parsed.skipped.empty());
    REQUIRE(parsed.keys.size() == 3);
    CHECK(ssh::fingerprint(parsed.keys[0].key) == keys::kEdFingerprint);
    CHECK(ssh::fingerprint(parsed.keys[1].key) == keys::kRsaFingerprint);
    CHECK(parsed.keys[0].line == 3);
    CHECK_FALSE(parsed.keys[0].hosts);
    REQUIRE(parsed.keys[1].hosts);
    CHECK(*parsed.keys[1].hosts == std::vector<std::string>{"a.example", "*.b.example"});
    REQUIRE(parsed.keys[2].hosts);
    CHECK(parsed.keys[2].hosts->empty());
  }

  TEST_CASE("authorized keys: what is not taken is skipped with its reason") {
    struct Row {
      std::string line;
      const char* reason;
    };
    const Row rows[] = {
        {key_line("", keys::kEcPublic), "ecdsa-sha2-nistp256 are not taken"},
        {"ssh-dss AAAA x\n", "ssh-dss are not taken"},
        {"sk-ssh-ed25519@openssh.com AAAA\n", "are not taken"},
        {"ssh-ed25519\n", "it is no key"},
        {"ssh-ed25519 not!base64\n", "no base64"},
        {"ssh-ed25519 AAAA\n", "it is no key"},
        {"ssh-rsa " + std::string(keys::kEdPublic.substr(12)), "of another type"},
        {key_line("restrict "), "option restrict is not taken"},
        {key_line("from=\"10.0.0.1\" "), "option from is not taken"},
        {key_line("hosts=\"a\",command=\"x\" "), "option command is not taken"},
        {key_line("hosts=\"a\",hosts=\"b\" "), "given twice"},
        {key_line("hosts=a "), "malformed"},
        {key_line("hosts=\"a"), "malformed"},
        {key_line("hosts=\"a\"x "), "malformed"},
        {key_line("hosts "), "option hosts is not taken"},
        {key_line("\\\" "), "is not taken"},
        {"hosts=\"a\"\n", "no key in it"},
        {"hosts=\"a\" hosts=\"b\" ssh-ed25519 AAAA\n", "no key in it"},
        {std::string(20'000, 'x') + "\n", "too long"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.line.substr(0, 60));
      const std::string reason = first_reason(row.line);
      CAPTURE(reason);
      CHECK(reason.find(row.reason) != reason.npos);
    }
  }

  TEST_CASE("authorized keys: a line cut at any byte is no other key") {
    const std::string line = key_line("hosts=\"a.example\" ", keys::kRsaPublic);
    const size_t comment = line.rfind(' ');
    for (size_t size = 0; size < comment; ++size) {
      CAPTURE(size);
      CHECK(parse_authorized_keys(line.substr(0, size)).keys.empty());
    }
  }

  TEST_CASE("authorized keys: a file has so many keys and no more") {
    std::string text;
    for (size_t i = 0; i < ssh::kMostAuthorizedKeys + 5; ++i)
      text += keys::kEdPublic;
    const auto parsed = parse_authorized_keys(text);
    CHECK(parsed.keys.size() == ssh::kMostAuthorizedKeys);
    CHECK(parsed.skipped.size() == 1);
    CHECK(parse_authorized_keys(std::string(5000, '\n') + "x\n").skipped.front().line ==
          5001);
    std::string junk;
    for (int i = 0; i < 1000; ++i)
      junk += "junk\n";
    CHECK(parse_authorized_keys(junk).skipped.size() <= 100);
  }
}
