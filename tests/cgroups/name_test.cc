#include "cgroups/name.h"

#include <set>

#include <doctest/doctest.h>

using cgroups::component_of;
using cgroups::vassal_of;

TEST_SUITE("cgroups") {
  TEST_CASE("name: a vassal is one directory whatever its path") {
    CHECK(*component_of("blog") == "blog");
    CHECK(*component_of("alice/site") == "alice~site");
    CHECK(*component_of("www.example.com") == "www.example.com");
    CHECK(*component_of("a b") == "a%20b");
  }

  TEST_CASE("name: the kernel's own files are never met") {
    CHECK(*component_of("tasks") == "%74asks");
    CHECK(*component_of("memory.max") == "%6demory.max");
    CHECK(*component_of("cgroup.procs") == "%63group.procs");
    CHECK(*component_of("memoryful.site") == "memoryful.site");
  }

  TEST_CASE("name: nothing escapes the directory") {
    CHECK(*component_of("..") == "%2e.");
    CHECK(*component_of("../../etc") == "%2e.~..~etc");
    CHECK(*component_of(".hidden") == "%2ehidden");
    CHECK(component_of(std::string("a\0b", 3))->find('\0') == std::string::npos);
    CHECK_FALSE(component_of(""));
  }

  TEST_CASE("name: too long is refused, not cut, since two vassals could meet") {
    CHECK(component_of(std::string(255, 'a')));
    CHECK_FALSE(component_of(std::string(256, 'a')));
    CHECK_FALSE(component_of(std::string(100, '\xff')));
  }

  TEST_CASE("name: the way back gives the same vassal, and only for names of ours") {
    std::set<std::string> seen;
    for (const std::string name :
         {"blog", "alice/site", "alice~site", "alice%2fsite", "tasks", ".x", "ä"}) {
      CAPTURE(name);
      const std::string component = *component_of(name);
      CHECK(seen.insert(component).second);
      CHECK(vassal_of(component) == name);
    }
    CHECK_FALSE(vassal_of("%"));
    CHECK_FALSE(vassal_of("%zz"));
    CHECK_FALSE(vassal_of("%61"));  // "a" is never escaped
    CHECK_FALSE(vassal_of(""));
  }

  TEST_CASE("name: leaves are numbered by generation") {
    CHECK(cgroups::leaf_name(7) == "gen-7");
  }
}
