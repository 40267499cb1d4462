#include "emperor/options.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "emperor/options_uwsgi.h"

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

  TEST_CASE("options: what uWSGI's emperor understands, by its names") {
    const auto o = read({"--emperor", "/etc/a", "--emperor-tyrant", "--vassal-set",
                         "logto=/log/%n.log", "--vassals-include-before=/etc/b.ini",
                         "--vassals-inherit=/etc/p.ini", "--emperor-extra-ext=.vassal",
                         "--emperor-nofollow", "--emperor-stats=:1717",
                         "--emperor-on-demand-dir=/run/s", "--emperor-freq=5",
                         "--emperor-required-heartbeat=7", "--fastrouter=/run/r.sock",
                         "--emperor-curse-tolerance=20", "--emperor-pidfile=/run/e.pid"});
    CHECK(o.faults.empty());
    CHECK(o.options.sources == std::vector<std::string>{"/etc/a"});
    CHECK(o.options.tyrant);
    CHECK(o.options.nofollow);
    CHECK(o.options.include_before == std::vector<std::string>{"/etc/b.ini"});
    CHECK(o.options.include_behind == std::vector<std::string>{"/etc/p.ini"});
    CHECK(o.options.extensions == std::vector<std::string>{".vassal"});
    CHECK(o.options.stats == "127.0.0.1:1717");
    CHECK(o.options.pidfile == "/run/e.pid");
    CHECK(o.options.rescan == std::chrono::seconds(5));
    CHECK(o.options.required_heartbeat == std::chrono::seconds(7));
    CHECK(o.options.router_uwsgi == std::vector<std::string>{"/run/r.sock"});
    const std::vector<std::pair<std::string, std::string>> settings = {
        {"logto", "/log/%n.log"},
        {"reload-mercy", "20"},
        {"chmod-socket", "666"},
        {"socket", "/run/s/%n.socket"},
        {"start", "lazy"}};
    CHECK(o.options.vassal_settings == settings);
    CHECK(o.options.notes.size() == 3);  // freq, fastrouter, curse-tolerance
  }

  TEST_CASE("options: what has no effect any more is noted, with the reason") {
    const auto o = read({"/v", "--emperor-throttle=1000", "--emperor-magic-exec"});
    CHECK(o.faults.empty());
    REQUIRE(o.options.notes.size() == 2);
    CHECK(o.options.notes[0].starts_with(
        "command line: emperor-throttle is ignored: starts are bounded"));
    CHECK(o.options.notes[1] ==
          "command line: emperor-magic-exec has no effect: vassal files are read, never "
          "executed");
  }

  TEST_CASE("options: faults in uWSGI's options") {
    const auto o = read({"/v", "--emperor-extra-extension=.json", "--vassal-set=x",
                         "--emperor-freq=0", "--emperor-tyrant=perhaps"});
    const std::vector<std::string> faults = {
        "command line: emperor-extra-extension: .json files cannot be read, only the ini "
        "dialect can",
        "command line: vassal-set: 'x' is not key=value",
        "command line: emperor-freq: '0' is no time",
        "command line: emperor-tyrant: 'perhaps' counts as true"};
    CHECK(o.faults == faults);
  }

  TEST_CASE("options: every name of uWSGI's is found, and none twice") {
    std::set<std::string_view> seen;
    for (const auto& row : emperor::uwsgi_options()) {
      for (std::string_view rest = row.names; !rest.empty();) {
        const size_t end = std::min(rest.find(' '), rest.size());
        const auto name = rest.substr(0, end);
        CAPTURE(name);
        CHECK(seen.insert(name).second);
        CHECK(emperor::find_uwsgi_option(name) == &row);
        CHECK_FALSE(emperor::is_option(name));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      const bool acts =
          row.fate == emperor::Fate::honoured || row.fate == emperor::Fate::mapped;
      CHECK((row.set != nullptr) == acts);
    }
  }
}
