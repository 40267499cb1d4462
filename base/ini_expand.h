// A whole configuration in the uWSGI ini dialect: the file, what it includes, its logic
// blocks and custom options, and all substitutions; the result is a bounded list of
// settings, each with the file and line it came from. Pure but for the FileSource. What
// the keys mean is not known here.
//
// Order, as in uWSGI: magic variables while reading; includes, set, declare-option and
// logic at their place; then $( ), @( ) and %( ) over everything.
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/file_source.h"
#include "base/ini_world.h"
#include "base/setting.h"

namespace base {

struct Expanded {
  std::vector<Setting> settings;
  std::vector<Diagnostic> diagnostics;  ///< in the order of reading
};

/// What is to be read.
struct IniRequest {
  std::string path;
  /// Sections whose lines count. Other sections are reached by `ini = file:section` only.
  std::vector<std::string> sections = {"uwsgi", "vassal"};
  /// Settings in front of the file's own, as uWSGI's vassal-set.
  std::vector<Setting> preset = {};
};

/// Never fails as a whole: what cannot be read is a diagnostic.
Expanded expand_ini(const IniRequest& request,
                    FileSource& files,
                    const IniWorld& world,
                    const IniLimits& limits = {});

}  // namespace base
