#include "vassal/request_mount.h"

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("vassal");

TEST_CASE("mount: a path lies below a prefix at slashes only") {
  CHECK(vassal::path_below("/foo", "/foo"));
  CHECK(vassal::path_below("/foo/bar", "/foo"));
  CHECK(vassal::path_below("/foo/bar", "/foo/"));
  CHECK(vassal::path_below("/anything", "/"));
  CHECK(vassal::path_below("/anything", ""));
  CHECK(!vassal::path_below("/foobar", "/foo"));
  CHECK(!vassal::path_below("/fo", "/foo"));
}

TEST_CASE("mount: the longest prefix wins and moves to the script name") {
  const std::vector<std::string> prefixes{"", "/foo", "/foo/deep"};
  struct Row {
    const char* path;
    size_t app;
    const char* script;
    const char* info;
  };
  for (const Row& row :
       {Row{"/", 0, "", "/"}, Row{"/foo", 1, "/foo", ""}, Row{"/foo/x", 1, "/foo", "/x"},
        Row{"/foo/deep/x", 2, "/foo/deep", "/x"}, Row{"/foobar", 0, "", "/foobar"},
        Row{"", 0, "", ""}}) {
    CAPTURE(row.path);
    vassal::Request r;
    r.path_info = row.path;
    CHECK(vassal::choose_mount(r, prefixes, true) == row.app);
    CHECK(r.script_name == row.script);
    CHECK(r.path_info == row.info);
  }
}

TEST_CASE("mount: without manage-script-name the front says it by SCRIPT_NAME") {
  const std::vector<std::string> prefixes{"", "/foo"};
  vassal::Request r;
  r.script_name = "/foo";
  r.path_info = "/x";
  CHECK(vassal::choose_mount(r, prefixes, false) == 1);
  CHECK(r.path_info == "/x");
  r.script_name = "/unknown";
  CHECK(vassal::choose_mount(r, prefixes, false) == 0);
}

TEST_SUITE_END();
