#include "vassal/explain.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/config/machine.h"

using machine::settings;

namespace {

const vassal::Explained* find(const std::vector<vassal::Explained>& values,
                              const std::string& key) {
  const auto it = std::ranges::find(values, key, &vassal::Explained::key);
  return it == values.end() ? nullptr : &*it;
}

vassal::Layers three_layers() {
  vassal::Layers layers;
  layers.defaults = settings("processes = 3\nharakiri = 77\n", "/etc/d.ini");
  layers.vassal = settings(
      "workers = 2\nbase = /srv\nchdir = %(base)\nenv = A=1\nenv = B=2\nnonsense = "
      "1\nmaster = 1\nmemory-max = 1G\n");
  layers.policy = settings("memory-max = 256M\n", "/etc/p.ini");
  return layers;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("explain: every value with where it came from, and what lost against it") {
    const auto values = vassal::explain(three_layers());
    REQUIRE(find(values, "processes") != nullptr);
    CHECK(find(values, "processes")->value == "2");
    CHECK(find(values, "processes")->origin == "/v/site.ini:2");
    CHECK(find(values, "processes")->overridden ==
          std::vector<std::string>{"/etc/d.ini:2"});
    CHECK(find(values, "harakiri")->layer == "defaults");
    CHECK(find(values, "memory-max")->origin == "/etc/p.ini:2");
    CHECK(find(values, "memory-max")->layer == "policy");
    CHECK(find(values, "callable")->origin == "built in");
    CHECK(find(values, "master")->treatment == "ignored");
    CHECK(find(values, "nonsense")->treatment == "unknown");
    CHECK(find(values, "base")->treatment == "placeholder");
    CHECK(std::ranges::count(values, "env", &vassal::Explained::key) == 2);
  }

  TEST_CASE("explain: what a tenant may not set is shown as ignored") {
    auto layers = three_layers();
    layers.author = vassal::Author::tenant;
    layers.policy.clear();
    const auto values = vassal::explain(layers);
    CHECK(find(values, "memory-max")->treatment == "ignored");
  }

  TEST_CASE("explain: as text it is one line per value") {
    const std::string text = vassal::explain_text(vassal::explain(three_layers()));
    CHECK(text.find("/etc/p.ini:2 (policy), instead of /v/site.ini:9\n") !=
          std::string::npos);
    CHECK(text.find("processes = 2 ") != std::string::npos);
    const std::string odd =
        vassal::explain_text({{"key", "a\nb\x1b", "f:1", "vassal", "honoured", {}}});
    CHECK(odd == "key = a\\x0ab\\x1b  # f:1\n");
  }

  TEST_CASE("check: reading and meaning are told together, notes only if asked for") {
    vassal::ReadResult read;
    read.path = "/v/site.ini";
    read.files = {{.path = "/v/site.ini"}};
    read.settings =
        settings("module = app\nmaster = true\nvaccum = 1\nuid = nobody-here\n");
    read.diagnostics = {{vassal::Diagnostic::Level::warning, {"/v/site.ini", 1}, "odd"}};
    const auto check = vassal::check(read, machine::FewNames());
    CHECK_FALSE(check.usable);
    CHECK(vassal::check_text(check) ==
          "/v/site.ini:1: warning: odd\n"
          "/v/site.ini:4: warning: unknown option 'vaccum': did you mean 'vacuum'?\n"
          "/v/site.ini:5: unknown user 'nobody-here'\n");
    CHECK(
        vassal::check_text(check, vassal::Notes::show).find("note: master is ignored") !=
        std::string::npos);
  }

  TEST_CASE("check: of a file that could not be read only that is said") {
    vassal::ReadResult read;
    read.path = "/v/none.ini";
    read.diagnostics = {
        {vassal::Diagnostic::Level::error, {"/v/none.ini", 0}, "cannot be read"}};
    const auto check = vassal::check(read, machine::FewNames());
    CHECK(vassal::check_text(check) == "/v/none.ini: cannot be read\n");
    CHECK_FALSE(check.usable);
  }
}
