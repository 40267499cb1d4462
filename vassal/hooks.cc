#include "vassal/hooks.h"

#include <algorithm>
#include <array>

namespace vassal {

namespace {

struct PhaseName {
  std::string_view name;
  HookPhase phase;
};

/// The phases that uWSGI runs as root before its jail are the tenant's own here, too.
constexpr std::array kPhases = {
    PhaseName{"as-root", HookPhase::as_root},
    PhaseName{"as-emperor", HookPhase::as_emperor},
    PhaseName{"as-vassal", HookPhase::as_vassal},
    PhaseName{"asap", HookPhase::as_user},
    PhaseName{"pre-jail", HookPhase::as_user},
    PhaseName{"post-jail", HookPhase::as_user},
    PhaseName{"in-jail", HookPhase::as_user},
    PhaseName{"as-user", HookPhase::as_user},
    PhaseName{"pre-app", HookPhase::pre_app},
    PhaseName{"post-app", HookPhase::post_app},
    PhaseName{"as-user-atexit", HookPhase::atexit},
};

constexpr std::array<std::string_view, 18> kActions = {
    "exec",         "safeexec",       "cd",          "chdir",
    "mkdir",        "putenv",         "chmod",       "create",
    "write",        "append",         "unlink",      "print",
    "log",          "exit",           "wait_for_fs", "wait_for_file",
    "wait_for_dir", "wait_for_socket"};

}  // namespace

base::Result<Hook> parse_hook(std::string_view key, std::string_view value) {
  const bool exec = key.starts_with("exec-");
  const auto phase = std::ranges::find(kPhases, key.substr(5), &PhaseName::name);
  if (phase == kPhases.end())
    return base::fail("nothing is run at the phase of " + std::string(key));
  Hook hook{phase->phase, std::string(key) + " = " + std::string(value), "exec",
            std::string(value)};
  if (!exec) {
    const size_t colon = std::min(value.find(':'), value.size());
    hook.action = value.substr(0, colon);
    hook.argument = value.substr(std::min(colon + 1, value.size()));
  }
  if (std::ranges::find(kActions, hook.action) == kActions.end())
    return base::fail("the action '" + hook.action + "' is not available");
  const bool ours =
      hook.phase == HookPhase::as_root || hook.phase == HookPhase::as_emperor;
  if (ours && hook.action != "exec")
    return base::fail("with root's rights only exec:COMMAND is run");
  if (hook.argument.empty() && hook.action != "exit" && hook.action != "print" &&
      hook.action != "log")
    return base::fail("'" + hook.written + "' says nothing to do");
  return hook;
}

bool runs_as_root(std::string_view key) {
  return key.starts_with("exec-as-root") || key.starts_with("hook-as-root") ||
         key.starts_with("exec-as-emperor") || key.starts_with("hook-as-emperor");
}

}  // namespace vassal
