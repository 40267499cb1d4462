// Journal: the lines that the vassal itself writes into its log, beside the
// application's.
//
// The form of base/log (time, level, name, line) without its library: a vassal's memory
// and start are counted by the hundred. Writes whole lines to standard error with one
// write(2).
#pragma once

#include <string_view>

namespace vassal {

enum class Level { info, warn, error };

/// `line` is one line without its end; text of tenants and peers goes through printable()
/// first.
void say(Level level, std::string_view line);

}  // namespace vassal
