#include "emperor/reconcile.h"

#include <set>

#include <doctest/doctest.h>

using emperor::Change;
using emperor::FileIdentity;
using emperor::KnownFiles;
using emperor::Listed;

namespace {
FileIdentity version(int64_t n) {
  FileIdentity identity;
  identity.mtime_ns = n;
  return identity;
}
Listed file(const std::string& path, int64_t n, size_t source = 0) {
  return {path, "name", source, version(n)};
}
}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("reconcile: new and changed files are read, missing ones are removed first") {
    const KnownFiles known = {{"/v/a", {"a", 0, version(1)}},
                              {"/v/b", {"b", 0, version(1)}},
                              {"/v/c", {"c", 0, version(1)}}};
    const auto changes =
        reconcile({file("/v/a", 1), file("/v/b", 2), file("/v/d", 1)}, 0, known);
    CHECK(changes == std::vector<Change>{{Change::Kind::removed, "/v/c"},
                                         {Change::Kind::read, "/v/b"},
                                         {Change::Kind::read, "/v/d"}});
  }

  TEST_CASE("reconcile: a source only speaks for its own files") {
    const KnownFiles known = {{"/other/x", {"x", 1, version(1)}}};
    CHECK(reconcile({}, 0, known).empty());
    CHECK(reconcile({}, 1, known).size() == 1);
  }

  TEST_CASE("reconcile: one file at a time says the same") {
    const KnownFiles known = {{"/v/a", {"a", 0, version(1)}}};
    CHECK_FALSE(reconcile_one("/v/a", file("/v/a", 1), known));
    CHECK(reconcile_one("/v/a", file("/v/a", 2), known)->kind == Change::Kind::read);
    CHECK(reconcile_one("/v/a", std::nullopt, known)->kind == Change::Kind::removed);
    CHECK(reconcile_one("/v/b", file("/v/b", 1), known)->kind == Change::Kind::read);
    CHECK_FALSE(reconcile_one("/v/b", std::nullopt, known));
  }

  TEST_CASE("reconcile: each part of an identity counts") {
    const FileIdentity base{1, 2, 3, 4, 5};
    CHECK(base == FileIdentity{1, 2, 3, 4, 5});
    CHECK_FALSE(base == FileIdentity{9, 2, 3, 4, 5});
    CHECK_FALSE(base == FileIdentity{1, 9, 3, 4, 5});
    CHECK_FALSE(base == FileIdentity{1, 2, 9, 4, 5});
    CHECK_FALSE(base == FileIdentity{1, 2, 3, 9, 5});
    CHECK_FALSE(base == FileIdentity{1, 2, 3, 4, 9});
  }

  TEST_CASE("names: equal file names in two directories are two vassals") {
    std::set<std::string> names;
    const auto taken = [&](const std::string& n) {
      return names.contains(n);
    };
    const Listed first{"/etc/one/site.ini", "site", 0, {}};
    const Listed second{"/etc/two/site.ini", "site", 1, {}};
    const Listed third{"/srv/two/site.ini", "site", 2, {}};
    names.insert(unique_name(first, taken));
    names.insert(unique_name(second, taken));
    names.insert(unique_name(third, taken));
    CHECK(names == std::set<std::string>{"site", "two/site", "site~2"});
  }
}
