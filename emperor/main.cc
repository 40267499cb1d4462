// emperor: one binary, three processes. Started by an operator it becomes the keeper;
// started by the keeper (with the hidden argument of Heritage) it becomes the emperor
// proper, and started by an emperor whose keeper died, the next keeper; started by an
// emperor with the hidden argument of Logger, the logger.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/uv/loop.h"
#include "cgroups/tree.h"
#include "emperor/emperor.h"
#include "emperor/keeper.h"
#include "emperor/logger.h"
#include "emperor/options.h"
#include "emperor/options_file.h"

namespace {

using emperor::Heritage;
using emperor::OptionFaults;
using emperor::Options;

Options read_options(const std::vector<std::string>& arguments,
                     const std::string& program,
                     OptionFaults* faults) {
  Options options;
  std::string config;
  const auto given = emperor::command_line_settings(arguments, &config);
  if (!config.empty()) emperor::apply_file(config, &options, faults);
  emperor::apply(given, &options, faults);
  emperor::complete(&options, std::filesystem::path(program).parent_path(), faults);
  return options;
}

base::LogLevel level_of(const std::string& word) {
  if (word == "debug") return base::LogLevel::debug;
  if (word == "warn") return base::LogLevel::warn;
  if (word == "error") return base::LogLevel::error;
  return base::LogLevel::info;
}

base::Result<cgroups::Tree> open_tree(const Options& options) {
  cgroups::Options wanted;
  TRY_ASSIGN(wanted.mode, cgroups::parse_mode(options.cgroups));
  wanted.root = options.cgroup_root;
  wanted.root_name = cgroups::root_name_for(options.run_dir);
  wanted.companions = {::getppid()};
  return cgroups::Tree::open(wanted);
}

int be_emperor(emperor::Heritage heritage, Options options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto log = base::Log::to_stderr("emperor", level_of(options.log_level));
  auto tree = open_tree(options);
  if (!tree) {
    log.error("emperor: cgroups: {}", tree.error().message());
    return 1;
  }
  uvx::Loop loop;
  emperor::Emperor self(loop, std::move(options), std::move(heritage), *std::move(tree),
                        log);
  return loop.run(self.run());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front().starts_with(emperor::Logger::kFlag)) {
    auto log = base::Log::to_stderr("logger");
    return emperor::run_logger(
        std::string_view(arguments.front()).substr(emperor::Logger::kFlag.size()), log);
  }
  Heritage heritage;
  const bool inherits =
      !arguments.empty() && Heritage::parse(arguments.front(), &heritage);
  if (inherits) {
    arguments.erase(arguments.begin());
    for (const int fd : {heritage.channel, heritage.lock})
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  } else {
    heritage.installed = emperor::installed_path(argv[0]);
  }
  heritage.arguments = arguments;
  for (const auto& argument : arguments) {
    if (argument == "--help" || argument == "-h")
      return std::fputs(emperor::option_help().c_str(), stdout), 0;
    if (argument == "--version") return std::puts("emperor " IMPERIUM_VERSION), 0;
  }

  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  OptionFaults faults;
  Options options = read_options(arguments, program, &faults);
  for (const auto& line : faults.lines)
    std::fprintf(stderr, "emperor: %s\n", line.c_str());
  if (!faults.lines.empty()) return 2;
  if (inherits && heritage.role != Heritage::Role::keeper)
    return be_emperor(std::move(heritage), std::move(options));

  auto log = base::Log::to_stderr("keeper", level_of(options.log_level));
  return emperor::run_keeper(
      {options.run_dir, std::move(heritage), options.upgrade_timeout}, log);
}
