// A uWSGI ini file of a router, as arguments of the command line.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace router {

struct IniArguments {
  std::vector<std::string> arguments;  ///< "--key=value", in the order of the file
  std::vector<std::string>
      notes;  ///< what is not an option here: "FILE:LINE: KEY is ..."
};

/// Reads the sections [uwsgi] and [fastrouter] of `path`, in the whole dialect. `knows`
/// says whether a key is an option. A fault of the file is an error that names its line.
base::Result<IniArguments> read_ini_arguments(
    const std::string& path, const std::function<bool(const std::string& key)>& knows);

}  // namespace router
