#include "base/ini_logic.h"

#include <doctest/doctest.h>

#include "tests/config/dialect.h"

using dialect::World;

TEST_SUITE("config") {
  TEST_CASE("logic: for repeats each line, not the block") {
    World w;
    w.expand("for = 1 2\na = x%(_)\nb = y%(_)\nendfor =\nc = 3\n");
    CHECK(w.values() == "a=x1\na=x2\nb=y1\nb=y2\nc=3\n");
  }

  TEST_CASE("logic: the other loops") {
    World w;
    w.files.put("/v/hosts", "a.example\nb.example\n");
    w.files.put("/g/1", "");
    w.files.put("/g/2", "");
    w.expand(
        "for-times = 3\nn = %(_)\nend-for =\n"
        "for-readline = hosts\ndomain = %(_)\nend =\n"
        "for-glob = /g/*\nf = %(_)\nendfor\n");
    CHECK(w.values() ==
          "n=1\nn=2\nn=3\ndomain=a.example\ndomain=b.example\nf=/g/1\nf=/g/2\n");
    CHECK_FALSE(w.failed());
  }

  TEST_CASE("logic: tests take or leave the lines up to their end") {
    struct Row {
      const char* test;
      bool taken;
    };
    const Row rows[] = {{"if-env = PORT", true},
                        {"if-env = NOPE", false},
                        {"ifenv = PORT=8000", true},
                        {"if-env = PORT=1", false},
                        {"if-not-env = NOPE", true},
                        {"if-not-env = PORT", false},
                        {"if-exists = /v/site.ini", true},
                        {"if-exists = /nope", false},
                        {"ifexists = site.ini", true},
                        {"if-not-exists = /nope", true},
                        {"if-file = site.ini", true},
                        {"if-dir = /d", true},
                        {"if-directory = /d", true},
                        {"ifdir = /v/site.ini", false},
                        {"if-not-dir = /d", false},
                        {"if-opt = known", true},
                        {"if-opt = known=1", true},
                        {"if-opt = known=2", false},
                        {"if-opt = later", false},
                        {"if-not-opt = later", true},
                        {"if-plugin = python3", true},
                        {"if-not-plugin = php", true},
                        {"if-hostname = host.example", true},
                        {"if-hostname-match = ^host", true},
                        {"if-hostname-match = ^x", false},
                        {"if-reload =", false},
                        {"if-not-reload =", true}};
    for (const Row& row : rows) {
      CAPTURE(row.test);
      World w;
      w.files.make_directory("/d");
      w.expand("known = 1\n" + std::string(row.test) + "\nx = yes\nendif =\nlater = 1\n");
      CHECK(w.value("x") == (row.taken ? "yes" : "(none)"));
      CHECK(w.value("later") == "1");
      CHECK(w.told().empty());
    }
  }

  TEST_CASE("logic: what was found is %(_)") {
    World w;
    w.expand(
        "if-env = PORT\nhttp = :%(_)\nendif\nk = v\nif-opt = k\nx = <%(_)>\nendif\n");
    CHECK(w.value("http") == ":8000");
    CHECK(w.value("x") == "<v>");
  }

  TEST_CASE("logic: else takes the other lines") {
    World w;
    w.expand(
        "if-env = NOPE\na = 1\nelse =\nb = 2\nendif =\nif-env = PORT\nc = 1\nelse\nd = "
        "2\nendif\n");
    CHECK(w.values() == "b=2\nc=1\n");
  }

  TEST_CASE("logic: an included file is read inside a block, with blocks of its own") {
    World w;
    w.files.put("/v/more.ini", "[uwsgi]\nfor = a b\nenv = %(_)\nendfor\n");
    w.expand("if-exists = more.ini\nini = %(_)\nx = 1\nendif\n");
    CHECK(w.values() == "ini=more.ini\nenv=a\nenv=b\nx=1\n");
  }

  TEST_CASE("logic: blocks cannot be nested, which is said") {
    World w;
    w.expand("if-env = PORT\nif-env = HOME\nx = 1\nendif\n");
    CHECK(w.told() ==
          "/v/site.ini:3: 'if-env' inside another block: blocks cannot be nested\n");
    World failed;
    failed.expand("if-env = NOPE\nif-env = PORT\nx = 1\nendif\ny = 1\nendif\n");
    CHECK(failed.values() == "y=1\n");
    CHECK_FALSE(failed.failed());
  }

  TEST_CASE("logic: open and stray ends are warned about") {
    World w;
    w.expand("endif =\nfor = 1 2\nx = %(_)\n");
    CHECK(w.told() ==
          "/v/site.ini:2: warning: 'endif' closes nothing\n"
          "/v/site.ini:4: warning: a block is still open at the end of the file\n");
    CHECK(w.values() == "x=1\nx=2\n");
  }

  TEST_CASE("logic: tests see the text as written, which is said") {
    World w;
    w.expand("p = /v/site.ini\nif-exists = %(p)\nx = 1\nendif\n");
    CHECK(w.value("x") == "(none)");
    CHECK(w.told().find("placeholders are not expanded here") != std::string::npos);
  }
}
