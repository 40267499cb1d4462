#include "router/ini_arguments.h"

#include <unistd.h>

#include <filesystem>

#include "base/ini_expand.h"
#include "base/open_files.h"
#include "router/ini_names.h"

namespace router {

namespace {

base::IniWorld world_in(const std::string& directory) {
  base::IniWorld world;
  world.cwd = directory;
  world.binary = "fastrouter";
  world.version = IMPERIUM_VERSION;
  world.uid = ::geteuid();
  world.gid = ::getegid();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equal = text.find('=');
    if (equal != std::string_view::npos)
      world.environment.emplace_back(text.substr(0, equal), text.substr(equal + 1));
  }
  return world;
}

}  // namespace

base::Result<IniArguments> read_ini_arguments(
    const std::string& path, const std::function<bool(const std::string& key)>& knows) {
  const std::string whole = std::filesystem::absolute(path);
  const base::IniWorld world = world_in(std::filesystem::path(whole).parent_path());
  base::OpenFiles files(world.cwd, base::Links::follow);
  const auto expanded = base::expand_ini(
      {.path = whole, .sections = {"uwsgi", "fastrouter"}}, files, world);
  for (const auto& diagnostic : expanded.diagnostics)
    if (diagnostic.level == base::Diagnostic::Level::error)
      return base::fail(diagnostic.message());
  IniArguments out;
  for (const base::Setting& setting : expanded.settings) {
    const IniName name = own_name(setting.key, knows);
    if (!name.own.empty())
      out.arguments.push_back("--" + name.own + "=" + setting.value);
    else
      out.notes.push_back(setting.origin.text() + ": " + setting.key +
                          " is ignored: " + name.reason);
  }
  return out;
}

}  // namespace router
