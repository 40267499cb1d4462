// The options of uWSGI's own emperor by their names: what each becomes here. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "emperor/options.h"

namespace emperor {

enum class Fate {
  honoured,
  mapped,   ///< onto an option of ours; `help` says which
  ignored,  ///< not needed; `help` is the reason
  missing,  ///< somebody may notice; `help` is the reason
};

struct UwsgiOption {
  std::string_view names;  ///< separated by spaces
  const char* value;       ///< what stands for the value in the help; empty = a flag
  Fate fate;
  const char* help;
  /// Sets the value; a fault, or nothing. Null for what has no effect.
  std::string (*set)(Options&, const std::string& value) = nullptr;
};

std::span<const UwsgiOption> uwsgi_options();
/// By any of its names; null if there is none.
const UwsgiOption* find_uwsgi_option(std::string_view name);
/// The part of --help about them.
std::string uwsgi_option_help();

}  // namespace emperor
