// Hooks: what a vassal's file, or its operator, wants to be done around the start and the
// end of a vassal (uWSGI's `exec-PHASE = command` and `hook-PHASE = action:arguments`).
// Parsing them is pure; running them blocks, so only the vassal program does it here. The
// emperor runs the few that are its own by emperor/hooks.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vassal/config.h"

namespace vassal {

/// A fault (of the context of the error) if the phase or the action is none of ours.
base::Result<Hook> parse_hook(std::string_view key, std::string_view value);

/// Whether what this option names is run as root. Then nothing that a tenant chose may
/// become part of it: no placeholder is filled there.
bool runs_as_root(std::string_view key);

/// Runs the hooks of one phase as this process's user, hook- before exec-; the first that
/// fails, or takes longer than hook-timeout, ends it with its reason.
base::Result<> run_hooks(const VassalConfig& config, HookPhase phase);

}  // namespace vassal
