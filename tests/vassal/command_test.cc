#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "vassal/command_plan.h"
#include "vassal/command_state.h"

using namespace std::chrono_literals;
using vassal::CommandPlan;
using vassal::CommandState;
using vassal::CommandType;
using Tell = CommandState::Tell;
using Word = wire::emperor_byte::Word;

namespace {

vassal::VassalConfig config_of(CommandType type) {
  vassal::VassalConfig config;
  config.command = "server --port 1";
  config.command_type = type;
  return config;
}

std::map<std::string, std::string> variables(const CommandPlan& plan) {
  return {plan.env.begin(), plan.env.end()};
}

std::map<int, int> descriptors(const CommandPlan& plan) {
  std::map<int, int> by_target;
  for (const auto& [source, target] : plan.fds)
    by_target[target] = source;
  return by_target;
}

const base::Instant kStart{};

}  // namespace

TEST_SUITE("vassal") {
  TEST_CASE("command plan: the shell only looks for the program") {
    const auto plan = vassal::plan_command(config_of(CommandType::simple), {}, -1, "");
    CHECK(plan.argv == std::vector<std::string>{"/bin/sh", "-c", "exec server --port 1"});
    CHECK(plan.env.empty());
    CHECK(plan.fds.empty());
    CHECK(std::ranges::find(plan.unenv, "LISTEN_FDS") != plan.unenv.end());
  }

  TEST_CASE("command plan: listeners by LISTEN_FDS and as standard input") {
    const auto plan =
        vassal::plan_command(config_of(CommandType::notify),
                             {{11, "/run/a.sock"}, {12, "127.0.0.1:80"}}, -1, "@0001");
    CHECK(descriptors(plan) == std::map<int, int>{{0, 11}, {3, 11}, {4, 12}});
    CHECK(variables(plan) == std::map<std::string, std::string>{
                                 {"LISTEN_FDS", "2"},
                                 {"LISTEN_FDNAMES", "/run/a.sock:127.0.0.1_80"},
                                 {"NOTIFY_SOCKET", "@0001"}});
  }

  TEST_CASE("command plan: a uwsgi gets its first socket once, and its emperor") {
    const auto plan = vassal::plan_command(config_of(CommandType::uwsgi),
                                           {{11, "/a"}, {12, "/b"}}, 20, "");
    CHECK(descriptors(plan) == std::map<int, int>{{0, 11}, {3, 12}, {4, 20}});
    CHECK(variables(plan) ==
          std::map<std::string, std::string>{
              {"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "/b"}, {"UWSGI_EMPEROR_FD", "4"}});
    const auto one =
        vassal::plan_command(config_of(CommandType::uwsgi), {{11, "/a"}}, 20, "");
    CHECK(descriptors(one) == std::map<int, int>{{0, 11}, {3, 20}});
    CHECK(variables(one).count("LISTEN_FDS") == 0);
  }

  TEST_CASE("command plan: who is a uwsgi by its name") {
    for (const char* text :
         {"uwsgi --ini x", "  /usr/bin/uwsgi_python3", "uwsgi-core\t-s :0"})
      CHECK(vassal::looks_like_uwsgi(text));
    for (const char* text : {"", "gunicorn uwsgi", "/opt/uwsgi/bin/node", "my-uwsgi"})
      CHECK_FALSE(vassal::looks_like_uwsgi(text));
  }

  TEST_CASE("command state: a simple command is ready by staying alive") {
    CommandState state(CommandType::simple, 2s, kStart);
    CHECK(state.due() == kStart + 2s);
    CHECK(state.on_time(kStart + 1s) == Tell::nothing);
    CHECK(state.on_time(kStart + 2s) == Tell::ready);
    CHECK(state.on_time(kStart + 3s) == Tell::nothing);
    CHECK_FALSE(state.due());
  }

  TEST_CASE("command state: sd_notify") {
    CommandState state(CommandType::notify, 2s, kStart);
    CHECK_FALSE(state.due());
    CHECK(state.on_notify("STATUS=loading\nREADY=0") == Tell::nothing);
    CHECK(state.on_notify("WATCHDOG=1") == Tell::heartbeat);
    CHECK(state.on_notify("STATUS=up\nREADY=1\nWATCHDOG=1\n") == Tell::ready);
    CHECK(state.on_notify("READY=1") == Tell::nothing);
    CHECK(state.on_notify("READY=1\nWATCHDOG=1") == Tell::heartbeat);
    CHECK(state.on_notify("\n\n") == Tell::nothing);
  }

  TEST_CASE("command state: every byte of a uwsgi") {
    const std::map<Word, Tell> before = {
        {Word::spawned, Tell::nothing},      {Word::send_config, Tell::nothing},
        {Word::accepting, Tell::ready},      {Word::loyal, Tell::ready},
        {Word::leaving, Tell::leaving},      {Word::heartbeat, Tell::heartbeat},
        {Word::reinforcement, Tell::nothing}};
    for (int byte = 0; byte < 256; ++byte) {
      const auto word = wire::emperor_byte::word_of(static_cast<uint8_t>(byte));
      if (!word) continue;
      CAPTURE(byte);
      CommandState state(CommandType::uwsgi, 1s, kStart);
      CHECK(state.on_word(*word, kStart) == before.at(*word));
      CHECK(state.ready() == (before.at(*word) == Tell::ready));
    }
  }

  TEST_CASE("command state: a uwsgi that accepts nothing is ready when it had its time") {
    CommandState state(CommandType::uwsgi, 1s, kStart);
    CHECK_FALSE(state.due());
    CHECK(state.on_word(Word::spawned, kStart + 5s) == Tell::nothing);
    CHECK(state.due() == kStart + 6s);
    SUBCASE("nothing comes") {
      CHECK(state.on_time(kStart + 6s) == Tell::ready);
    }
    SUBCASE("a worker accepts first") {
      CHECK(state.on_word(Word::accepting, kStart + 5s) == Tell::ready);
      CHECK_FALSE(state.due());
    }
  }
}
