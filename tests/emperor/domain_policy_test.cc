#include "emperor/domain_policy.h"

#include <doctest/doctest.h>

using emperor::Claimer;
using emperor::DomainList;
using emperor::DomainPolicy;
using emperor::DomainRule;

namespace {

base::Result<uid_t> few_users(const std::string& name) {
  if (name == "alice") return 1001;
  return base::fail("no user is called " + name);
}

DomainList list_of(std::string_view text) {
  auto list = DomainList::parse(text, few_users);
  REQUIRE(list);
  return *std::move(list);
}

Claimer by_name(std::string name, bool counts = true) {
  Claimer claimer;
  claimer.name = std::move(name);
  claimer.name_counts = counts;
  return claimer;
}

Claimer by_uid(uid_t uid) {
  Claimer claimer;
  claimer.name = "whatever";
  claimer.uid = uid;
  return claimer;
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("domain policy: the list says who may have what") {
    const DomainPolicy policy{DomainRule::policy,
                              list_of("# who   hosts\n"
                                      "shop  Shop.Example.com *.shop.example.com\n"
                                      "shop\tshop.example.org # a second line\r\n"
                                      "user:alice  *.alice.example\n"
                                      "uid:1002    bob.example\n"
                                      "\n"
                                      "*  *.preview.example")};
    CHECK_FALSE(policy.refuse(by_name("shop"), "shop.example.com"));
    CHECK_FALSE(policy.refuse(by_name("shop"), "*.shop.example.com"));
    CHECK_FALSE(policy.refuse(by_name("shop"), "shop.example.org"));
    CHECK_FALSE(policy.refuse(by_name("other"), "x.preview.example"));
    CHECK_FALSE(policy.refuse(by_uid(1001), "a.alice.example"));
    CHECK_FALSE(policy.refuse(by_uid(1002), "bob.example"));
    CHECK(policy.refuse(by_name("other"), "shop.example.com"));
    CHECK(policy.refuse(by_uid(1002), "a.alice.example"));
    CHECK(policy.refuse(by_uid(1001), "alice.example"));
    CHECK(policy.refuse(by_name("shop"), "*"));
    // Where a tenant can choose the name, it says nothing.
    CHECK(policy.refuse(by_name("shop", false), "shop.example.com"));
    CHECK(policy.refuse(by_name("uid:1002"), "bob.example"));
  }

  TEST_CASE("domain policy: a file's name stands for its host and all below it") {
    const DomainPolicy policy{DomainRule::filename, list_of("shop other.example\n")};
    const auto shop = by_name("tenants/Shop.example.com");
    for (const char* host : {"shop.example.com", "www.shop.example.com",
                             "*.shop.example.com", "*.a.shop.example.com"}) {
      CAPTURE(host);
      CHECK_FALSE(policy.refuse(shop, host));
    }
    for (const char* host :
         {"example.com", "*.example.com", "*", "xshop.example.com", "other.example"}) {
      CAPTURE(host);
      CHECK(policy.refuse(shop, host));
    }
    CHECK_FALSE(policy.refuse(by_name("shop"), "other.example"));
    CHECK(policy.refuse(by_name("*.example.com"), "a.example.com"));
    CHECK(policy.refuse(by_name("no host"), "no"));
    const auto why =
        policy.refuse(by_name("shop.example.com", false), "shop.example.com");
    REQUIRE(why);
    CHECK(why->find("proves nothing") != why->npos);
  }

  TEST_CASE("domain policy: where any host goes, a tenant still takes no leftovers") {
    const DomainPolicy policy{DomainRule::any, list_of("uid:1002 *\n")};
    Claimer tenant = by_uid(1001);
    CHECK_FALSE(policy.refuse(tenant, "*"));  // the operator wrote it
    tenant.tenant = true;
    CHECK(policy.refuse(tenant, "*"));
    CHECK(policy.refuse(tenant, "*.com"));
    CHECK_FALSE(policy.refuse(tenant, "*.example.com"));
    CHECK_FALSE(policy.refuse(tenant, "example.com"));
    tenant.uid = 1002;
    CHECK_FALSE(policy.refuse(tenant, "*"));
  }

  TEST_CASE("domain policy: a list with a fault is none") {
    struct Row {
      const char* text;
      const char* why;
    };
    const Row rows[] = {
        {"a b.example\nshop http://x\n", "line 2: 'http://x' is neither"},
        {"uid:x a.example\n", "line 1: uid:x is no uid"},
        {"uid:4294967295 a.example\n", "is no uid"},
        {"user:nobody-here a.example\n", "line 1: no user is called"},
        {"shop *x.example\n", "neither a host name"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      const auto list = DomainList::parse(row.text, few_users);
      REQUIRE_FALSE(list);
      CHECK(list.error().message().find(row.why) != std::string::npos);
    }
    CHECK(list_of("").size() == 0);
  }
}
