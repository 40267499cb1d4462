// The command line of vassal. By getopt_long(3): the program is started for every vassal,
// and a library for command lines would cost more than the parsing of its dozen options.
#include <fcntl.h>
#include <getopt.h>

#include <charconv>

#include "vassal/startup.h"

namespace vassal {

namespace {

enum Option : int {
  kName = 1,
  kIni,
  kRuntimes,
  kConfig,
  kLifeline,
  kHandoff,
  kScoreboard,
  kSocket,
  kHelp,
  kVersion
};

constexpr option kOptions[] = {
    {"name", required_argument, nullptr, kName},
    {"ini", required_argument, nullptr, kIni},
    {"runtimes", required_argument, nullptr, kRuntimes},
    {"config-fd", required_argument, nullptr, kConfig},
    {"lifeline-fd", required_argument, nullptr, kLifeline},
    {"handoff-fd", required_argument, nullptr, kHandoff},
    {"scoreboard-fd", required_argument, nullptr, kScoreboard},
    {"socket-fd", required_argument, nullptr, kSocket},
    {"help", no_argument, nullptr, kHelp},
    {"version", no_argument, nullptr, kVersion},
    {nullptr, 0, nullptr, 0},
};

/// An inherited descriptor: ours from now on, and not the application's children's.
base::Result<base::Fd> inherited(std::string_view text, const char* option) {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc{} || end != text.data() + text.size() || fd < 3 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return base::fail(std::string(option) + ": '" + std::string(text) +
                      "' is no open descriptor");
  return base::Fd(fd);
}

base::Result<> take(CommandLine& line, int which, std::string_view value) {
  const auto fd_into = [value](base::Fd& fd, const char* option) -> base::Result<> {
    TRY_ASSIGN(fd, inherited(value, option));
    return {};
  };
  switch (which) {
    case kName:
      line.name = value;
      return {};
    case kIni:
      line.ini = value;
      return {};
    case kRuntimes:
      line.runtimes = value;
      return {};
    case kConfig:
      return fd_into(line.config, "--config-fd");
    case kLifeline:
      return fd_into(line.lifeline, "--lifeline-fd");
    case kHandoff:
      return fd_into(line.handoff, "--handoff-fd");
    case kScoreboard:
      return fd_into(line.scoreboard, "--scoreboard-fd");
    case kSocket: {
      const size_t colon = value.find(':');
      TRY_ASSIGN(base::Fd fd, inherited(value.substr(0, colon), "--socket-fd"));
      line.sockets.emplace_back(
          std::move(fd), colon == std::string_view::npos ? "" : value.substr(colon + 1));
      return {};
    }
    case kHelp:
      line.help = true;
      return {};
    case kVersion:
      line.version = true;
      return {};
    default:
      return base::fail("try --help");
  }
}

}  // namespace

const char* usage() {
  return "usage: vassal --ini FILE            serve one file, without an emperor\n"
         "       vassal --config-fd=N ...     as the emperor starts it\n"
         "\n"
         "  --ini FILE             the vassal file; its sockets are bound here\n"
         "  --runtimes DIRECTORY   where imperium_python.so is (default: ../lib beside "
         "this program)\n"
         "  --name NAME            the vassal's name\n"
         "  --config-fd N          sealed memfd with the settings\n"
         "  --lifeline-fd N        the line to the emperor\n"
         "  --handoff-fd N         receiving end of the handoff channel\n"
         "  --scoreboard-fd N      memfd of this generation's scoreboard\n"
         "  --socket-fd N:ADDRESS  a bound listening socket (repeatable)\n"
         "  --version, --help\n";
}

base::Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  optind = 1;
  for (int which; (which = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;)
    TRY(take(line, which, optarg != nullptr ? optarg : ""));
  if (optind < argc)
    return base::fail(std::string("unexpected argument '") + argv[optind] + "'");
  if (line.help || line.version) return line;
  if (line.ini.empty() == !line.config)
    return base::fail("give either --ini FILE or --config-fd N");
  return line;
}

}  // namespace vassal
