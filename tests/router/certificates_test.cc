#include "router/certificates.h"

#include <doctest/doctest.h>

#include "base/wire/certificates.h"
#include "tests/router/made_certificate.h"

namespace {

using router_test::made_certificate;

struct Store {
  std::string log_text;
  base::Log log = base::Log::to_string("router", &log_text);
  router::Certificates certificates;

  void update(std::vector<base::CertificateFile> files) {
    log_text.clear();
    router::CertificatesUpdate update(log, certificates, std::move(files));
    while (update.step()) {
    }
    certificates = update.take();
  }
  std::string find(std::string_view name) const {
    const auto found = certificates.find(name);
    return found ? found->file : "(none)";
  }
  bool logged(std::string_view text) const { return log_text.find(text) != text.npos; }
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("certificates: found by the names inside, exact before wildcard") {
    Store store;
    store.update({
        made_certificate("a.crt", {.names = {"a.example", "www.a.example"}}),
        made_certificate("b.crt", {.names = {"*.a.example"}}),
        made_certificate("c.crt", {.common_name = "c.example"}),
        made_certificate("d.crt", {.names = {"d.example"}, .common_name = "e.example"}),
    });
    CHECK(store.find("a.example") == "a.crt");
    CHECK(store.find("WWW.A.Example") == "a.crt");
    CHECK(store.find("other.a.example") == "b.crt");
    CHECK(store.find("two.labels.a.example") == "(none)");
    CHECK(store.find("example") == "(none)");
    CHECK(store.find("c.example") == "c.crt");
    CHECK(store.find("e.example") == "(none)");
    CHECK(store.find("") == "(none)");
    CHECK(store.find("../../etc/passwd") == "(none)");
    CHECK(store.find("*.a.example") == "(none)");
    CHECK(store.certificates.fallback()->file == "a.crt");
  }

  TEST_CASE("certificates: the default is _default, of two the one that lasts longer") {
    Store store;
    store.update({
        made_certificate("1.crt", {.names = {"a.example"}, .days = 10}),
        made_certificate("2.crt", {.names = {"a.example"}, .days = 80}),
        made_certificate("3.crt", {.names = {"a.example"}, .days = 40}),
        made_certificate("_default/fullchain.pem", {.names = {"z.example"}}),
    });
    CHECK(store.find("a.example") == "2.crt");
    CHECK(store.certificates.fallback()->file == "_default/fullchain.pem");
  }

  TEST_CASE("certificates: a broken pair stays what it was, and the log says why") {
    const auto good = made_certificate("a.crt", {.names = {"a.example"}});
    const auto other = made_certificate("b.crt", {.names = {"b.example"}});
    Store store;
    store.update({good, other});
    const auto before = store.certificates.find("a.example");
    auto mixed = good;
    mixed.key = other.key;
    auto cut = good;
    cut.certificate.resize(cut.certificate.size() / 2);
    auto behind = good;
    behind.certificate += "-----BEGIN CERTIFICATE-----\nnonsense\n";
    auto unread = good;
    unread.fault = "a.key: Permission denied";
    auto empty = good;
    empty.key.clear();
    auto locked = good;
    locked.key =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE "
        "KEY-----\n";
    const std::pair<base::CertificateFile, std::string> rows[] = {
        {mixed, "certificate and key"}, {cut, "no readable certificate"},
        {behind, "the chain"},          {unread, "Permission denied"},
        {empty, "private key"},         {locked, "private key"}};
    for (const auto& [file, reason] : rows) {
      CAPTURE(reason);
      store.update({file, other});
      CHECK(store.certificates.find("a.example") == before);
      CHECK(store.logged("file=a.crt stays what it was"));
      CHECK(store.logged(reason));
      CHECK(store.find("b.example") == "b.crt");
    }
    store.update({other});
    CHECK(store.find("a.example") == "(none)");
    store.update({mixed, other});
    CHECK(store.find("a.example") == "(none)");
    CHECK(store.logged("is left out"));
  }

  TEST_CASE("certificates: what did not change is the same object, what did is another") {
    const auto a = made_certificate("a.crt", {.names = {"a.example"}});
    Store store;
    store.update({a});
    const auto before = store.certificates.find("a.example");
    store.update({a});
    CHECK(store.certificates.find("a.example") == before);
    store.update({made_certificate("a.crt", {.names = {"a.example"}})});
    CHECK(store.certificates.find("a.example") != before);
    CHECK(before->names.size() == 1);
  }

  TEST_CASE("certificates: keys of several kinds are read in any order") {
    const auto rsa = made_certificate("r.crt", {.names = {"r.example"}, .rsa = true});
    const auto curve = made_certificate("c.crt", {.names = {"c.example"}});
    auto above = curve;
    above.name = "chain.crt";
    above.certificate += rsa.certificate + curve.key + rsa.certificate;
    auto broken = rsa;
    broken.name = "broken.crt";
    broken.key.resize(broken.key.size() / 2);
    Store store;
    store.update({rsa, curve, broken, above, rsa, curve});
    CHECK(store.certificates.size() == 3);
    const auto chained = store.certificates.of_file("chain.crt");
    REQUIRE(chained);
    CHECK(sk_X509_num(chained->chain.get()) == 2);
  }

  TEST_CASE("certificates: they travel whole, and cut off at any byte they do not") {
    wire::Certificates sent;
    sent.files = {{"a.crt", "AAA", "KEY"}, {"b/fullchain.pem", "", "", "gone"}};
    sent.ticket_keys.fill(7);
    const std::string bytes = wire::encode_certificates(sent);
    const auto back = wire::decode_certificates(bytes);
    REQUIRE(back);
    CHECK(back->files == sent.files);
    CHECK(back->ticket_keys == sent.ticket_keys);
    size_t whole = 0;
    for (size_t n = 0; n < bytes.size(); ++n)
      whole += wire::decode_certificates(bytes.substr(0, n)).has_value() ? 1 : 0;
    CHECK(whole == 2);  // between two files
  }
}
