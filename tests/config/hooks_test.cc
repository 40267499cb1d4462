#include "vassal/hooks.h"

#include <doctest/doctest.h>

using vassal::HookPhase;
using vassal::parse_hook;

namespace {
std::string fault_of(const char* key, const char* value) {
  const auto hook = parse_hook(key, value);
  return hook ? "" : hook.error().context;
}
}  // namespace

TEST_SUITE("config") {
  TEST_CASE("hooks: phases and actions") {
    struct Row {
      const char* key;
      const char* value;
      HookPhase phase;
      const char* action;
      const char* argument;
    };
    const Row rows[] = {
        {"exec-asap", "a:b c", HookPhase::as_user, "exec", "a:b c"},
        {"exec-in-jail", "x", HookPhase::as_user, "exec", "x"},
        {"exec-as-user-atexit", "x", HookPhase::atexit, "exec", "x"},
        {"exec-as-root", "x", HookPhase::as_root, "exec", "x"},
        {"hook-as-emperor", "exec:x", HookPhase::as_emperor, "exec", "x"},
        {"hook-as-vassal", "chmod:f 600", HookPhase::as_vassal, "chmod", "f 600"},
        {"hook-pre-app", "putenv:A=b:c", HookPhase::pre_app, "putenv", "A=b:c"},
        {"hook-post-app", "exit", HookPhase::post_app, "exit", ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.key);
      const auto hook = parse_hook(row.key, row.value);
      REQUIRE(hook);
      CHECK(hook->phase == row.phase);
      CHECK(hook->action == row.action);
      CHECK(hook->argument == row.argument);
      CHECK(hook->written == std::string(row.key) + " = " + row.value);
    }
  }

  TEST_CASE("hooks: what is none") {
    CHECK(fault_of("hook-post-fork", "exec:x") ==
          "nothing is run at the phase of hook-post-fork");
    CHECK(fault_of("hook-asap", "mount:x") == "the action 'mount' is not available");
    CHECK(fault_of("hook-asap", "") == "the action '' is not available");
    CHECK(fault_of("hook-asap", "exec:") == "'hook-asap = exec:' says nothing to do");
    CHECK(fault_of("hook-as-root", "mkdir:/x") ==
          "with root's rights only exec:COMMAND is run");
  }

  TEST_CASE("hooks: what is run as root") {
    for (const char* key :
         {"exec-as-root", "hook-as-root", "exec-as-emperor", "hook-as-emperor"})
      CHECK(vassal::runs_as_root(key));
    for (const char* key : {"exec-as-user", "exec-as-vassal", "hook-asap", "uid"})
      CHECK_FALSE(vassal::runs_as_root(key));
  }
}
