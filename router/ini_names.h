// Names in a uWSGI router file that have another name here, or no meaning. Pure.
#pragma once

#include <functional>
#include <string>

namespace router {

struct IniName {
  std::string own;     ///< the option of ours; empty: there is none
  std::string reason;  ///< why not
};

/// `knows` says whether a name is an option here. uWSGI's http router has the options of
/// its fastrouter under names of its own: they are the same here.
IniName own_name(const std::string& key,
                 const std::function<bool(const std::string& name)>& knows);

}  // namespace router
