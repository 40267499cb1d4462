#include "emperor/options.h"

#include <doctest/doctest.h>

using emperor::OptionFaults;
using emperor::Options;

namespace {
struct Outcome {
  Options options;
  std::vector<std::string> faults;
  std::string config;
};
Outcome read(std::vector<std::string> arguments) {
  Outcome outcome;
  OptionFaults faults;
  apply(emperor::command_line_settings(arguments, &outcome.config), &outcome.options,
        &faults);
  complete(&outcome.options, "/opt/bin", &faults);
  outcome.faults = faults.lines;
  return outcome;
}
}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("options: keys with = and without, flags and sources in any order") {
    const auto o = read({"/etc/a", "--run-dir=/run/x", "--router-http", "127.0.0.1:8080",
                         "--trusted", "/etc/b/*/*.ini", "--router-uwsgi-mode=660",
                         "--rescan=5", "--config", "/etc/e.ini"});
    CHECK(o.faults.empty());
    CHECK(o.options.sources == std::vector<std::string>{"/etc/a", "/etc/b/*/*.ini"});
    CHECK(o.options.run_dir == "/run/x");
    CHECK(o.options.control == "/run/x/control.sock");
    CHECK(o.options.router_http == std::vector<std::string>{"127.0.0.1:8080"});
    CHECK(o.options.trusted);
    CHECK(o.options.router_uwsgi_mode == mode_t{0660});
    CHECK(o.options.rescan == std::chrono::seconds(5));
    CHECK(o.options.vassal_program == "/opt/bin/vassal");
    CHECK(o.config == "/etc/e.ini");
  }

  TEST_CASE("options: all faults are told at once, with the nearest known name") {
    const auto o =
        read({"--router-proceses=2", "--router-processes=many", "--cgroups=v3",
              "--run-dir=here", "--router-uwsgi-mode=999", "--trusted=perhaps"});
    REQUIRE(o.faults.size() == 7);
    CHECK(o.faults[0] ==
          "command line: unknown option 'router-proceses': did you mean "
          "'router-processes'?");
    CHECK(o.faults[1] ==
          "command line: router-processes: 'many' is not a number from 1 to 256");
    CHECK(o.faults[2] ==
          "command line: cgroups: 'v3' is not one of auto|v1|v2|off|required");
    CHECK(o.faults[5].starts_with("no source"));
    CHECK(o.faults[6] == "run-dir: 'here' is not an absolute path");
  }

  TEST_CASE(
      "options: the line of a file is named, and the command line has the last word") {
    Options options;
    OptionFaults faults;
    apply({{"run-dir", "/run/a", {"/etc/e.ini", 2}}, {"bogus", "1", {"/etc/e.ini", 3}}},
          &options, &faults);
    apply({{"run-dir", "/run/b", {"command line", 0}}}, &options, &faults);
    CHECK(faults.lines ==
          std::vector<std::string>{"/etc/e.ini:3: unknown option 'bogus'"});
    CHECK(options.run_dir == "/run/b");
  }

  TEST_CASE("options: what only the router understands is passed on") {
    const auto o = read({"/v", "--queue-timeout=5"});
    CHECK(o.options.router_options == std::vector<std::string>{"--queue-timeout=5"});
  }

  TEST_CASE("options: the help names every option") {
    const std::string help = emperor::option_help();
    for (const auto& row : emperor::option_table())
      CHECK(help.find(std::string("--") + row.key) != help.npos);
  }
}
