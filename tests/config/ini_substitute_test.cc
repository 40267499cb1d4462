#include "base/ini_substitute.h"

#include <doctest/doctest.h>

#include "base/ini_magic.h"
#include "tests/config/dialect.h"

using dialect::World;

TEST_SUITE("config") {
  TEST_CASE("placeholders: a key may be used before and after it is written") {
    World w;
    w.expand("uid = %(customer)\ncustomer = c001\nchdir = /srv/%(customer)/%(missing)\n");
    CHECK(w.value("uid") == "c001");
    CHECK(w.value("chdir") == "/srv/c001/%(missing)");
    CHECK_FALSE(w.failed());
  }

  TEST_CASE(
      "placeholders: the first of several values is meant, known options included") {
    World w;
    w.expand("x = 1\nx = 2\nprocesses = %(x)\nthreads = %(processes)\n");
    CHECK(w.value("processes") == "1");
    CHECK(w.value("threads") == "1");
  }

  TEST_CASE("placeholders: chains are expanded fully wherever they stand") {
    World w;
    w.expand("a = %(b)\nb = %(c)\nc = %(d)!\nd = end\n");
    CHECK(w.values() == "a=end!\nb=end!\nc=end!\nd=end\n");
  }

  TEST_CASE("placeholders: used keys are marked, so that they are no typing mistakes") {
    World w;
    w.expand("base = /srv\nchdir = %(base)\nother = 1\n");
    CHECK(w.result.settings[0].placeholder);
    CHECK_FALSE(w.result.settings[1].placeholder);
    CHECK_FALSE(w.result.settings[2].placeholder);
  }

  TEST_CASE("placeholders: a loop is an error that names line and key, and ends") {
    for (const char* text :
         {"a = %(a)\n", "a = %(b)\nb = %(a)\n", "a = x%(b)\nb = %(c)y\nc = z%(a)\n"}) {
      CAPTURE(text);
      World w;
      w.expand(text);
      CHECK(w.failed());
      CHECK(w.told().find("refers to itself") != std::string::npos);
      CHECK(w.told().find("/v/site.ini:") == 0);
    }
  }

  TEST_CASE("placeholders: a value that doubles with each step stops at the bound") {
    World w;
    std::string text = "v0 = 0123456789\n";
    for (int i = 1; i < 60; ++i) {
      const std::string before = "%(v" + std::to_string(i - 1) + ")";
      text += "v" + std::to_string(i) + " = " + before + before + "\n";
    }
    w.expand(text);
    CHECK(w.failed());
    CHECK(w.told().find("grows beyond 65536 bytes") != std::string::npos);
    size_t total = 0;
    for (const auto& s : w.result.settings)
      total += s.value.size();
    CHECK(total < 2'000'000);
  }

  TEST_CASE("placeholders: depth is bounded") {
    World w;
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += "v" + std::to_string(i) + " = %(v" + std::to_string(i + 1) + ")\n";
    w.expand(text + "v100 = end\n");
    CHECK(w.told().find("nested too deep") != std::string::npos);
  }

  TEST_CASE("placeholders: arithmetic goes from left to right, words apart by spaces") {
    struct Row {
      const char* written;
      const char* value;
    };
    const Row rows[] = {
        {"%(%k * 2)", "8"},       {"%(%k + 1)", "5"},
        {"%(2 + 3 * 4)", "20"},   {"%(%k*2)", "%(4*2)"},
        {"%(%k * 2 + 1)", "9"},   {"%((%k * 2) + 1)", "1"},
        {"%(7 / 0)", "0"},        {"%(9 / 2)", "4"},
        {"%(two ++)", "3"},       {"%(two --)", "1"},
        {"%(two two)", "22"},     {"%(two + nothing)", "2"},
        {"%(2 - 5)", "-3"},       {"x%(two)y%(two)", "x2y2"},
        {"%()", "%()"},           {"%(2 * 1024 * 1024 * 1024)", "2147483648"},
        {"%(two", "%(two"},       {"%(%(two))", "%(2)"},
        {"%(two  +   two)", "4"}, {"%(9223372036854775807 + 1)", "-9223372036854775808"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.written);
      World w;
      w.expand("two = 2\nv = " + std::string(row.written) + "\n");
      CHECK(w.value("v") == row.value);
      CHECK_FALSE(w.failed());
    }
  }

  TEST_CASE("variables: $(NAME) with and without default") {
    struct Row {
      const char* written;
      const char* value;
    };
    const Row rows[] = {{":$(PORT)", ":8000"},
                        {"$(HOME)/x$(PORT)", "/home/alice/x8000"},
                        {"$(NOPE)", "$(NOPE)"},
                        {"$(NOPE:-d)", "d"},
                        {"$(NOPE-a:b-c)", "a:b-c"},
                        {"$(EMPTY)", ""},
                        {"$(EMPTY:-d)", "d"},
                        {"$(EMPTY-d)", ""},
                        {"kill $(cat x.pid)", "kill $(cat x.pid)"},
                        {"${HOME}", "${HOME}"}};
    for (const Row& row : rows) {
      CAPTURE(row.written);
      World w;
      w.expand("v = " + std::string(row.written) + "\n");
      CHECK(w.value("v") == row.value);
    }
  }

  TEST_CASE("variables: one that is not set is warned about once") {
    World w;
    w.expand("v = $(NOPE)\n");
    CHECK(w.told() ==
          "/v/site.ini:2: warning: environment variable 'NOPE' is not set: the text "
          "stays as written\n");
  }

  TEST_CASE("files: @(file) puts in the content without its last newline") {
    World w;
    w.files.put("/v/key", "secret\n");
    w.files.put("/etc/two", "a\nb\n\n");
    w.expand(
        "name = key\na = @(key)\nb = <@(/etc/two)>\nc = @(%(name))\nd = "
        "@($(NOPE-key))\n");
    CHECK(w.value("a") == "secret");
    CHECK(w.value("b") == "<a\nb\n>");
    CHECK(w.value("c") == "secret");
    CHECK(w.value("d") == "secret");
    CHECK_FALSE(w.failed());
  }

  TEST_CASE("files: what cannot be inserted is told with its line") {
    World w;
    w.files.put("/v/binary", std::string("a\0b", 3));
    w.files.put("/v/big", std::string(70000, 'x'));
    w.expand(
        "a = @(nowhere)\nb = @(binary)\nc = @(big)\nd = @(exec://id)\ne = "
        "@(http://x/)\n");
    CHECK(w.told() ==
          "/v/site.ini:2: cannot insert 'nowhere': open: No such file or directory\n"
          "/v/site.ini:3: cannot insert 'binary': it has NUL bytes\n"
          "/v/site.ini:4: cannot insert 'big': it is too large: File too large\n"
          "/v/site.ini:5: warning: '@(exec://id)' is not read: only files are\n"
          "/v/site.ini:6: warning: '@(http://x/)' is not read: only files are\n");
    CHECK(w.value("d") == "@(exec://id)");
  }

  TEST_CASE("magic: every variable of the table") {
    const base::IniWorld facts = dialect::world();
    const base::MagicFile file{"/etc/vassals/a.b.ini", "a.b.ini", 77, "sec"};
    const base::MagicFile top{"/srv/top.ini", "/srv/top.ini", 5};
    const base::Magic magic{facts, file, top};
    struct Row {
      const char* written;
      const char* value;
    };
    const Row rows[] = {{"%v", "/v"},
                        {"%p", "/etc/vassals/a.b.ini"},
                        {"%P", "/srv/top.ini"},
                        {"%s", "a.b.ini"},
                        {"%S", "top.ini"},
                        {"%d", "/etc/vassals/"},
                        {"%D", "/srv/"},
                        {"%e", "ini"},
                        {"%n", "a.b"},
                        {"%N", "top"},
                        {"%c", "vassals"},
                        {"%C", "srv"},
                        {"%0", "etc"},
                        {"%1", "vassals"},
                        {"%2", ""},
                        {"%x", "sec"},
                        {"%i", "77"},
                        {"%I", "5"},
                        {"%o", "a.b.ini"},
                        {"%h", "host.example"},
                        {"%t", "1700000000"},
                        {"%T", "1700000000000001"},
                        {"%V", "1.2"},
                        {"%k", "4"},
                        {"%u", "1001"},
                        {"%U", "alice"},
                        {"%g", "100"},
                        {"%G", "users"},
                        {"%%", "%"},
                        {"%(x)", "%(x)"},
                        {"50%", "50%"},
                        {"50% x", "50% x"},
                        {"%[", "\x1b"},
                        {"a%nb%nc", "aa.bba.bc"},
                        {"%%n", "%n"},
                        {"%%(addr)", "%(addr)"},
                        {"%d%n", "/etc/vassals/a.b"}};
    for (const Row& row : rows) {
      CAPTURE(row.written);
      std::string erased;
      CHECK(magic.apply(row.written, &erased) == row.value);
      CHECK(erased.empty());
    }
  }

  TEST_CASE("magic: the hash of the path is uWSGI's") {
    const base::IniWorld facts = dialect::world();
    const base::MagicFile file{"/etc/vassals/a.ini", "a.ini"};
    CHECK(base::Magic{facts, file, file}.apply("%j", nullptr) == "B06BC491");
  }

  TEST_CASE("magic: unknown ones vanish and are told") {
    World w;
    w.expand("logto = /log/%Y-%m-%d.log\n");
    CHECK(w.value("logto") == "/log/--/v/.log");
    CHECK(w.told().find("'%Y' is no magic variable") != std::string::npos);
    CHECK_FALSE(w.failed());
  }

  TEST_CASE("magic: keys are replaced as well as values") {
    World w;
    w.expand("name-%n = %k\nx = %(name-site)\n");
    CHECK(w.value("x") == "4");
  }

  TEST_CASE("calls: thousands of nested parentheses cost no square") {
    std::string text;
    for (int i = 0; i < 20000; ++i)
      text += "%(";
    text += std::string(20000, ')');
    int asked = 0;
    const auto out = base::replace_calls(
        text, '%', [&](std::string_view) -> std::optional<std::string> {
          ++asked;
          return std::nullopt;
        });
    CHECK(out == text);
    CHECK(asked < 3000);
  }
}
