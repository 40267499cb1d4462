#include "base/ini.h"

#include <string>

#include <doctest/doctest.h>

using base::IniLine;
using base::IniText;
using base::parse_ini;

namespace {

std::string shown(const IniText& text) {
  std::string out;
  for (const IniLine& l : text.lines)
    out += "[" + l.section + "] " + std::to_string(l.line) + ": <" + l.key + "> <" +
           l.value + ">\n";
  return out;
}

/// uWSGI's rule for one line, written down a second time.
std::pair<std::string, std::string> cut(std::string_view line) {
  line = base::strip(line);
  const size_t equals = line.find('=');
  if (equals == line.npos) return {std::string(line), ""};
  return {std::string(base::strip(line.substr(0, equals))),
          std::string(base::strip(line.substr(equals + 1)))};
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("ini: sections, keys and values carry their lines") {
    const auto text = parse_ini(
        "outside = 1\n"
        "; comment\n"
        "# comment\n"
        "\n"
        "[uwsgi]\n"
        "  chdir =  /srv/site \t\n"
        "master\n"
        "env = A=B=C\n"
        "[other]\n"
        "x=1");
    CHECK(shown(text) ==
          "[] 1: <outside> <1>\n"
          "[uwsgi] 6: <chdir> </srv/site>\n"
          "[uwsgi] 7: <master> <>\n"
          "[uwsgi] 8: <env> <A=B=C>\n"
          "[other] 10: <x> <1>\n");
    CHECK(text.complaints.empty());
  }

  TEST_CASE("ini: carriage returns and a missing newline at the end do not show") {
    CHECK(shown(parse_ini("[uwsgi]\r\nuid = alice\r\n\r\ngid = users")) ==
          "[uwsgi] 2: <uid> <alice>\n[uwsgi] 4: <gid> <users>\n");
  }

  TEST_CASE("ini: lines of any length arrive whole") {
    for (size_t size :
         {150U, 190U, 196U, 197U, 198U, 199U, 200U, 201U, 250U, 5000U, 60000U}) {
      CAPTURE(size);
      const std::string value(size, 'x');
      const auto text = parse_ini("[uwsgi]\nkey = " + value + "\nnext = 1\n");
      REQUIRE(text.lines.size() == 2);
      CHECK(text.lines[0] == IniLine{"uwsgi", "key", value, 2});
      CHECK(text.lines[1] == IniLine{"uwsgi", "next", "1", 3});
    }
  }

  TEST_CASE("ini: long section names and long comments do no harm") {
    const std::string name(300, 's');
    const auto text = parse_ini("# " + std::string(1000, '=') + "\n[" + name +
                                "]\na = 1\n; " + std::string(500, 'x') + "=y\nb = 2\n");
    REQUIRE(text.lines.size() == 2);
    CHECK(text.lines[0] == IniLine{name, "a", "1", 3});
    CHECK(text.lines[1] == IniLine{name, "b", "2", 5});
  }

  TEST_CASE("ini: what inih would read differently comes out as uWSGI reads it") {
    const char* lines[] = {"processes = 4 ; four",
                           "a:b = c",
                           "url = http://x:80/;p",
                           "key ;c = 1",
                           "= only a value",
                           "no value at all",
                           "colon: value",
                           "x =",
                           "log-format = a \"b\" ;",
                           "vt = \v x \f",
                           "k = [not a section]",
                           "<<<<<<< HEAD",
                           "=======",
                           "k==v",
                           "static-map /static=",
                           "k = 'quoted'"};
    for (const char* line : lines) {
      CAPTURE(line);
      const auto text = parse_ini("[uwsgi]\nfirst = 1\n   " + std::string(line) + "\n");
      REQUIRE(text.lines.size() == 2);
      const auto [key, value] = cut(line);
      CHECK(text.lines[1].key == key);
      CHECK(text.lines[1].value == value);
      CHECK(text.lines[1].line == 3);
    }
  }

  TEST_CASE("ini: indented lines are lines of their own, not continuations") {
    CHECK(shown(parse_ini("[uwsgi]\nfor = a b\n    env = %(_)\n\tenv = x\nendfor\n")) ==
          "[uwsgi] 2: <for> <a b>\n[uwsgi] 3: <env> <%(_)>\n[uwsgi] 4: <env> <x>\n"
          "[uwsgi] 5: <endfor> <>\n");
  }

  TEST_CASE("ini: a comment behind a section header does not hide the section") {
    const auto text = parse_ini("[uwsgi] ; main\nuid = a\n[open\nx = 1\n");
    CHECK(shown(text) == "[uwsgi] 2: <uid> <a>\n[open] 4: <x> <1>\n");
    REQUIRE(text.complaints.size() == 2);
    CHECK(text.complaints[0].line == 1);
    CHECK(text.complaints[1].line == 3);
    CHECK_FALSE(text.failed());
  }

  TEST_CASE("ini: a byte order mark is skipped") {
    CHECK(shown(parse_ini("\xEF\xBB\xBF[uwsgi]\nuid = a\n")) == "[uwsgi] 2: <uid> <a>\n");
  }

  TEST_CASE("ini: NUL bytes end the reading with the line they stand on") {
    const auto text = parse_ini(std::string("[uwsgi]\na = 1\nb = \0 2\nc = 3\n", 27));
    CHECK(text.failed());
    REQUIRE(text.complaints.size() == 1);
    CHECK(text.complaints[0].line == 3);
    CHECK(text.lines.size() == 1);
  }

  TEST_CASE("ini: limits are errors that name the line") {
    const auto long_line =
        parse_ini("[uwsgi]\nx = " + std::string(100, 'x') + "\n", {.line_bytes = 80});
    CHECK(long_line.failed());
    CHECK(long_line.complaints[0].line == 2);
    std::string many = "[uwsgi]\n";
    for (int i = 0; i < 20; ++i)
      many += "a = 1\n";
    const auto too_many = parse_ini(many, {.lines = 10});
    CHECK(too_many.failed());
    CHECK(too_many.complaints[0].line == 12);
    CHECK(too_many.lines.size() == 10);
  }

  TEST_CASE("ini: every text cut at every byte is read without harm") {
    const std::string whole = "[uwsgi] x\r\nk = v ; c\n\n[" + std::string(60, 'n') +
                              "]\nlong = " + std::string(210, 'y') + "\n:x=1\n=\n]\n";
    for (size_t n = 0; n <= whole.size(); ++n) {
      const auto text = parse_ini(std::string_view(whole).substr(0, n));
      CHECK_FALSE(text.failed());
      CHECK(text.lines.size() <= 5);
    }
  }
}
