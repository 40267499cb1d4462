// What `emperorctl check` and `emperorctl explain` print: every fault of a file, and
// every effective value with where it came from. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vassal/config.h"
#include "vassal/read_result.h"

namespace vassal {

/// One effective value.
struct Explained {
  std::string key;  ///< the option's name, whatever alias was written
  std::string value;
  std::string origin;     ///< "/etc/vassals/a.ini:3" or "built in"
  std::string layer;      ///< "built in", "defaults", "vassal", "policy"
  std::string treatment;  ///< "honoured", "mapped", "ignored", "no effect", "refused",
                          ///< "unknown", "placeholder"
  std::vector<std::string> overridden;  ///< origins of values that lost, in file order
};

/// Every option that has a value, in the order of the option table, then unknown keys and
/// placeholders. Built-in defaults of honoured options are among them.
std::vector<Explained> explain(const Layers& layers);
/// As an aligned text, one line each.
std::string explain_text(const std::vector<Explained>& values);

/// The outcome of looking at one file.
struct Check {
  std::vector<Diagnostic> diagnostics;  ///< of reading first, then of meaning
  bool usable = false;                  ///< no error among them
};

/// Everything there is to say about a file that was read alone, or below defaults and
/// policy.
Check check(const ReadResult& read, const Names& names, const Layers& around = {});
/// One `file:line: message` per line; notes only if asked for.
enum class Notes { show, hide };
std::string check_text(const Check& check, Notes notes = Notes::hide);

}  // namespace vassal
