// What a hostile tenant may write into his file: none of it may take long, much memory,
// or crash.
#include <chrono>

#include <doctest/doctest.h>

#include "tests/config/dialect.h"
#include "tests/config/machine.h"

using dialect::World;

namespace {

size_t bytes_of(const World& w) {
  size_t total = 0;
  for (const auto& s : w.result.settings)
    total += s.key.size() + s.value.size();
  return total;
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += text;
  return out;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("hostile files: stay within the bounds of time and size") {
    struct Row {
      const char* name;
      std::string text;
    };
    const Row rows[] = {
        {"a loop of a billion", "for-times = 1000000000\nx = %(_)\nendfor\n"},
        {"a loop over a long line",
         "for-times = 10000\nx = " + std::string(60000, 'x') + "%(_)\nendfor\n"},
        {"a loop of includes", "for-times = 10000\nini = site.ini\nendfor\n"},
        {"a loop of inserts", "for-times = 9000\nx = @(site.ini)\nendfor\n"},
        {"ten thousand settings that name a large one",
         "big = " + std::string(60000, 'x') + "\n" + repeated("x = %(big)\n", 9000)},
        {"one value that names a large one often",
         "big = " + std::string(60000, 'x') + "\nx = " + repeated("%(big)", 10000) +
             "\n"},
        {"words that glue a large value", "big = " + std::string(60000, 'x') +
                                              "\nx = %(" + repeated("big ", 1000) +
                                              ")\n"},
        {"custom options that multiply",
         "declare-option = x=" + repeated("x=$1;", 10000) + "\n" +
             repeated("x = y\n", 5000)},
        {"a custom option with a long word",
         "declare-option = x=y=" + repeated("$1", 30000) +
             "\nx = " + std::string(60000, 'z') + "\n"},
        {"open parentheses", "x = " + repeated("%($(@(", 10000) + "\n"},
        {"nested parentheses",
         "x = " + repeated("%(", 20000) + std::string(20000, ')') + "\n"},
        {"many magic variables", repeated("x = " + repeated("%p%P%d", 9000) + "\n", 16)},
        {"unknown magic variables", repeated("%Y%y = %m%q\n", 5000)},
        {"a pattern that is none",
         "if-hostname-match = " + repeated("(a*)*", 100) + "b\nx = 1\nendif\n"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      World w;
      const auto start = std::chrono::steady_clock::now();
      w.expand(row.text);
      const auto took = std::chrono::steady_clock::now() - start;
      CHECK(took < std::chrono::seconds(10));  // some 100 ms when nothing else runs
      CHECK(bytes_of(w) < 4'000'000);
      CHECK(w.result.settings.size() <= 10000);
      CHECK(w.result.diagnostics.size() <= 200);
    }
  }

  TEST_CASE("hostile files: finding their meaning is bounded as well") {
    std::string unknown, users, sockets;
    for (int i = 0; i < 3000; ++i) {
      const std::string n = std::to_string(i);
      unknown += "procsses-of-the-worker-number-" + n + " = 1\n";
      users += "uid = nobody-" + n + "\nadd-gid = none-" + n + "\n";
      sockets += "socket = /run/" + n + ".sock\ndomain = d" + n + ".example\nenv = A" +
                 n + "=1\n";
    }
    for (const std::string& text : {unknown, users, sockets}) {
      const auto start = std::chrono::steady_clock::now();
      const auto made = machine::make(text);
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
      CHECK(made.diagnostics.size() <= 500);
      CHECK(made.config.sockets.size() <= 64);
    }
    const auto long_text = machine::make("x" + std::string(60000, 'y') + " = 1\n");
    REQUIRE(long_text.diagnostics.size() == 1);
    CHECK(long_text.diagnostics[0].text.size() < 500);
  }

  TEST_CASE("hostile files: every cut of a dense file is read without harm") {
    const std::string whole =
        "[uwsgi]\nfor = a b\nx = %(_)%(y)$(HOME)@(site.ini)%n\nendfor =\nif-env = "
        "PORT\nini = :s\n"
        "else =\ny = %(x + 1)\nendif =\ndeclare-option = o=p=$1;q\no = 1 2\nset = "
        "r=%(q)\n[s]\nt = %%\n";
    for (size_t n = 0; n <= whole.size(); ++n) {
      World w;
      w.files.put("/v/site.ini", whole.substr(0, n));
      w.result = base::expand_ini({.path = "/v/site.ini"}, w.files, w.facts);
      CHECK(w.result.settings.size() < 100);
    }
  }
}
