// The three substitutions of the ini dialect over a whole table of settings: $(ENV),
// @(file) and
// %(placeholder) with arithmetic. In that order, as in uWSGI; unlike there a placeholder
// is expanded fully wherever it stands. Bounded in depth, size of one value and size of
// all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/file_source.h"
#include "base/ini_world.h"
#include "base/setting.h"

namespace base {

using Diagnostics = std::vector<Diagnostic>;

/// Expands every value of `table` in place; keys that were looked up are marked as
/// placeholders.
void substitute_all(std::vector<Setting>& table,
                    FileSource& files,
                    const IniWorld& world,
                    const IniLimits& limits,
                    Diagnostics& diagnostics);

/// The value of a key, or nothing.
using Lookup = std::function<std::optional<std::string>(std::string_view key)>;

/// What stands between `%(` and `)`: one key, or words joined and reckoned from left to
/// right. Nothing if it is one key and unknown.
std::optional<std::string> evaluate_placeholder(std::string_view inner,
                                                const Lookup& lookup);

/// `text` with each `<sigil>( ... )`, parentheses balanced, replaced by what `value_of`
/// says of its inside; where it says nothing the text stays.
std::string replace_calls(std::string_view text, char sigil, const Lookup& value_of);

/// `$(NAME)`, `$(NAME:-default)` and `$(NAME-default)` from the inside of the
/// parentheses.
std::optional<std::string> evaluate_variable(std::string_view inner,
                                             const IniWorld& world);

}  // namespace base
