#include "emperor/trust.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

using emperor::distrust;
using emperor::Ownership;

TEST_SUITE("emperor") {
  TEST_CASE(
      "trust: only files that nobody but root and the emperor can write are taken") {
    struct Row {
      const char* name;
      uid_t uid;
      mode_t mode;
      uid_t directory_uid;
      mode_t directory_mode;
      uid_t self;
      const char* why;  ///< part of the reason; null = accepted
    };
    const Row rows[] = {
        {"root's", 0, 0644, 0, 0755, 0, nullptr},
        {"secret", 0, 0600, 0, 0700, 0, nullptr},
        {"a tenant's", 1001, 0644, 0, 0755, 0, "owned by uid 1001"},
        {"group writable", 0, 0664, 0, 0755, 0, "mode 0664"},
        {"world writable", 0, 0646, 0, 0755, 0, "mode 0646"},
        {"in a tenant's directory", 0, 0644, 1001, 0755, 0, "/v is owned by uid 1001"},
        {"in a loose directory", 0, 0644, 0, 01777, 0,
         "/v can be written by others (mode 1777)"},
        {"own file of an unprivileged emperor", 1001, 0644, 1001, 0755, 1001, nullptr},
        {"root's for an unprivileged emperor", 0, 0644, 0, 0755, 1001, nullptr},
        {"another's for an unprivileged emperor", 1002, 0644, 1001, 0755, 1001,
         "owned by uid 1002"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto why =
          distrust({"/v/a.ini", row.uid, S_IFREG | row.mode},
                   {"/v", row.directory_uid, S_IFDIR | row.directory_mode}, row.self);
      CHECK(why.has_value() == (row.why != nullptr));
      if (why && row.why != nullptr) CHECK(why->find(row.why) != why->npos);
    }
  }

  TEST_CASE(
      "trust: what somebody else wrote is not taken from a reader with root's rights") {
    using emperor::distrust_opened;
    const Ownership alices{"/home/alice/a.ini", 1001, 0644};
    CHECK(distrust_opened(alices, 0, 0).has_value());
    CHECK_FALSE(distrust_opened(alices, 1001, 0).has_value());
    CHECK_FALSE(distrust_opened(alices, 1000, 1000).has_value());
    CHECK_FALSE(distrust_opened({"/v/a.ini", 0, 0644}, 0, 0).has_value());
  }

  TEST_CASE("trust: what is no regular file is refused") {
    const Ownership directory{"/v", 0, S_IFDIR | 0755};
    CHECK(distrust({"/v/a.ini", 0, S_IFIFO | 0644}, directory, 0) ==
          "/v/a.ini is not a regular file");
    CHECK(distrust({"/v/a.ini", 0, S_IFCHR | 0600}, directory, 0).has_value());
  }

  TEST_CASE("trust: in tyrant mode a file is its owner's alone") {
    const emperor::Ownership root{"/v", 0, S_IFDIR | 0755};
    const emperor::Ownership tenants{"/v", 1001, S_IFDIR | 0755};
    const auto judged = [](uid_t uid, mode_t mode, bool link,
                           const emperor::Ownership& directory) {
      return emperor::distrust_tyrant({"/v/a.ini", uid, mode}, link, directory, 0)
          .value_or("");
    };
    CHECK(judged(1001, S_IFREG | 0644, false, root).empty());
    CHECK(judged(1001, S_IFREG | 0600, false, tenants).empty());
    CHECK(judged(0, S_IFREG | 0644, false, root).find("owned by root") !=
          std::string::npos);
    CHECK(judged(1001, S_IFREG | 0664, false, root).find("mode 0664") !=
          std::string::npos);
    CHECK(judged(1001, S_IFREG | 0602, false, root).find("mode 0602") !=
          std::string::npos);
    CHECK(judged(1001, S_IFIFO | 0600, false, root).find("regular") != std::string::npos);
    CHECK(judged(1001, S_IFREG | 0644, true, root).empty());
    CHECK(judged(1001, S_IFREG | 0644, true, tenants).find("is a link") !=
          std::string::npos);
  }
}
