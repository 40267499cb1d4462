#include "base/ini_expand.h"

#include <doctest/doctest.h>

#include "tests/config/dialect.h"

using dialect::World;

TEST_SUITE("config") {
  TEST_CASE("expand: only the wanted sections count, several of one name together") {
    World w;
    w.expand("x = 0\n[uwsgi]\na = 1\n[other]\nb = 2\n[vassal]\nc = 3\n[uwsgi]\nd = 4\n");
    CHECK(w.values() == "a=1\nc=3\nd=4\n");
    CHECK(w.result.settings[1].origin.text() == "/v/site.ini:7");
  }

  TEST_CASE("expand: ini = file:section reads in place, :section means this file") {
    World w;
    w.files.put("/v/base.ini", "[uwsgi]\nno = 1\n[prod]\nin = %n %x\n");
    w.expand("[uwsgi]\na = 1\nini = :dev\nini = base.ini:prod\nz = 9\n[dev]\nd = %x\n");
    CHECK(w.values() == "a=1\nini=:dev\nd=dev\nini=base.ini:prod\nin=base prod\nz=9\n");
    CHECK(w.result.settings[4].origin.text() == "/v/base.ini:4");
    CHECK_FALSE(w.failed());
  }

  TEST_CASE("expand: capital magic variables speak of the first file in included ones") {
    World w;
    w.files.put("/inc/more.ini", "[uwsgi]\nx = %n %N %d %D\n");
    w.expand("include = /inc/more.ini\n");
    CHECK(w.value("x") == "more site /inc/ /v/");
  }

  TEST_CASE("expand: include may use what is known so far") {
    World w;
    w.files.put("/v/alice.ini", "[uwsgi]\nok = 1\n");
    w.expand("customer = alice\nini = %(customer).ini\n");
    CHECK(w.value("ok") == "1");
  }

  TEST_CASE("expand: inherit comes behind everything else") {
    World w;
    w.files.put("/v/tail.ini", "[uwsgi]\nprocesses = 9\nchdir = %(base)\n");
    w.expand("inherit = tail.ini\nprocesses = 1\nbase = /srv\n");
    CHECK(w.values() ==
          "inherit=tail.ini\nprocesses=1\nbase=/srv\nprocesses=9\nchdir=/srv\n");
  }

  TEST_CASE("expand: a missing include names the line that wanted it") {
    World w;
    w.expand("a = 1\nini = nowhere.ini\nb = 2\n");
    CHECK(w.told() ==
          "/v/site.ini:3: cannot read 'nowhere.ini': open: No such file or directory\n");
    CHECK(w.value("b") == "2");
  }

  TEST_CASE("expand: other formats and schemes are refused") {
    World w;
    w.expand("yaml = x.yml\ninclude = http://x/y.ini\nini = exec://id\n");
    CHECK(w.told() ==
          "/v/site.ini:2: 'yaml': only ini files are read\n"
          "/v/site.ini:3: 'http://x/y.ini': only files can be included\n"
          "/v/site.ini:4: 'exec://id': only files can be included\n");
  }

  TEST_CASE("expand: files that include themselves or each other end") {
    World w;
    w.expand("a = 1\nini = site.ini\nini = site.ini\n");
    CHECK(w.failed());
    CHECK(w.told().find("too many files include each other") != std::string::npos);
    CHECK(w.files.journal().size() <= 130);
    World two;
    two.files.put("/v/b.ini", "[uwsgi]\nini = site.ini\n");
    two.expand("ini = b.ini\n");
    CHECK(two.failed());
    World inherited;
    inherited.expand("inherit = site.ini\ninherit = site.ini\n");
    CHECK(inherited.failed());
    CHECK(inherited.files.journal().size() <= 130);
  }

  TEST_CASE("expand: set and set-ph add pairs") {
    World w;
    w.files.put("/v/b.ini", "[uwsgi]\nb = 1\n");
    w.expand(
        "set = processes=4\nset-ph = who=me\nset-placeholder = x=a=b\nuid = %(who)\nset "
        "= ini=b.ini\n");
    CHECK(w.value("processes") == "4");
    CHECK(w.value("uid") == "me");
    CHECK(w.value("x") == "a=b");
    CHECK(w.value("b") == "1");
    for (const auto& s : w.result.settings)
      if (s.key == "who" || s.key == "x") CHECK(s.placeholder);
    World bad;
    bad.expand("set = nothing\n");
    CHECK(bad.told() == "/v/site.ini:2: 'set' needs key=value\n");
  }

  TEST_CASE("expand: declared options stand for others") {
    World w;
    w.expand(
        "declare-option = site=socket=/run/$1.sock;domain=$2;env=X=$1\n"
        "site = alice alice.example\n");
    CHECK(w.value("socket") == "/run/alice.sock");
    CHECK(w.value("domain") == "alice.example");
    CHECK(w.value("env") == "X=alice");
    CHECK(w.result.settings.back().origin.line == 3);
    World ten;
    ten.expand("declare-option2 = many=x=$10$1\nmany = a b c d e f g h i j\n");
    CHECK(ten.value("x") == "ja");
  }

  TEST_CASE("expand: preset settings come first") {
    World w;
    w.files.put("/v/site.ini", "[uwsgi]\nx = %(vassal-name)\n");
    w.result = base::expand_ini(
        {.path = "/v/site.ini", .preset = {{"vassal-name", "alice", {"preset", 0}}}},
        w.files, w.facts);
    CHECK(w.value("x") == "alice");
  }

  TEST_CASE("expand: what cannot be read or has no settings says so") {
    World w;
    w.result = base::expand_ini({.path = "/v/none.ini"}, w.files, w.facts);
    CHECK(w.told() == "/v/none.ini: cannot be read: open: No such file or directory\n");
    CHECK(World().expand("[uwsgi]\n").told() ==
          "/v/site.ini: the file has no settings\n");
    CHECK(World().expand("[other]\na = 1\n").told() ==
          "/v/site.ini: the file has no settings in section [uwsgi] or [vassal]\n");
  }

  TEST_CASE("expand: a layer for many vassals keeps the capitals open") {
    World w;
    w.facts.for_many = true;
    w.expand("logto = /log/%N.log\nx = %n\n");
    CHECK(w.value("logto") == "/log/%(:N).log");
    CHECK(w.value("x") == "site");
  }

  TEST_CASE("expand: a line without a key is warned about") {
    World w;
    w.expand("=======\nx = 1\n");
    CHECK(w.told() == "/v/site.ini:2: warning: there is no key before '='\n");
    CHECK(w.values() == "x=1\n");
  }
}
