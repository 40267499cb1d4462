// The command line of vassal. By getopt_long(3): the program is started for every vassal,
// and a library for command lines would cost more than the parsing of its dozen options.
#include <fcntl.h>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "base/values.h"
#include "base/wire/emperor_byte.h"
#include "vassal/startup.h"

namespace vassal {

namespace {

using Taken = base::Result<>;

/// An inherited descriptor: ours from now on, and not the application's children's.
base::Result<base::Fd> inherited(std::string_view text) {
  const auto number = base::parse_unsigned(text);
  const int fd = number && *number <= INT_MAX ? static_cast<int>(*number) : -1;
  if (fd <= STDERR_FILENO || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return base::fail("'" + std::string(text) + "' is no open descriptor");
  return base::Fd(fd);
}

template <base::Fd CommandLine::* Field>
Taken take_fd(CommandLine& line, std::string_view value) {
  TRY_ASSIGN(line.*Field, inherited(value));
  return {};
}

template <std::string CommandLine::* Field>
Taken take_text(CommandLine& line, std::string_view value) {
  line.*Field = value;
  return {};
}

template <bool CommandLine::* Field>
Taken take_flag(CommandLine& line, std::string_view) {
  line.*Field = true;
  return {};
}

Taken take_socket(CommandLine& line, std::string_view value) {
  const size_t colon = value.find(':');
  TRY_ASSIGN(base::Fd fd, inherited(value.substr(0, colon)));
  const auto address = colon == std::string_view::npos ? "" : value.substr(colon + 1);
  line.sockets.emplace_back(std::move(fd), address);
  return {};
}

/// The file itself, and with it the border between what stands before and behind it.
Taken take_ini(CommandLine& line, std::string_view value) {
  if (!line.ini.empty()) return base::fail("one file is served");
  line.ini = value;
  return {};
}

template <Surrounding::Kind Kind>
Taken take_surrounding(CommandLine& line, std::string_view value) {
  if (Kind == Surrounding::Kind::setting && value.find('=') == value.npos)
    return base::fail("'" + std::string(value) + "' is not key=value");
  (line.ini.empty() ? line.before : line.behind).push_back({Kind, std::string(value)});
  return {};
}

struct Row {
  const char* name;
  const char* value;  ///< what the help calls its value; null: a flag
  Taken (*take)(CommandLine&, std::string_view);
  const char* help;
};

constexpr Row kRows[] = {
    {"ini", "FILE", take_ini, "serve this file alone; its sockets are bound here"},
    {"config", "FILE", take_ini, "the same, whatever the file's name"},
    {"set", "KEY=VALUE", take_surrounding<Surrounding::Kind::setting>,
     "a setting before or behind the file"},
    {"include", "FILE", take_surrounding<Surrounding::Kind::file>,
     "a file before or behind the file"},
    {"inherit", "FILE", take_surrounding<Surrounding::Kind::file>, "the same"},
    {"runtimes", "DIRECTORY", take_text<&CommandLine::runtimes>,
     "where imperium_python.so is (default: ../lib beside the program)"},
    {"name", "NAME", take_text<&CommandLine::name>, "the vassal's name"},
    {"config-fd", "N", take_fd<&CommandLine::config>, "sealed memfd with the settings"},
    {"lifeline-fd", "N", take_fd<&CommandLine::lifeline>, "the line to the emperor"},
    {"handoff-fd", "N", take_fd<&CommandLine::handoff>,
     "receiving end of the handoff channel"},
    {"scoreboard-fd", "N", take_fd<&CommandLine::scoreboard>,
     "memfd of this generation's scoreboard"},
    {"socket-fd", "N:ADDRESS", take_socket, "a bound listening socket (repeatable)"},
    {"help", nullptr, take_flag<&CommandLine::help>, "this text"},
    {"version", nullptr, take_flag<&CommandLine::version>, "the version"},
};

/// kRows as getopt_long wants them, with the empty row at the end.
constexpr std::array<option, std::size(kRows) + 1> long_options() {
  std::array<option, std::size(kRows) + 1> options{};
  for (size_t i = 0; i < std::size(kRows); ++i)
    options[i] = {kRows[i].name,
                  kRows[i].value != nullptr ? required_argument : no_argument, nullptr,
                  1};
  return options;
}

bool listens(int fd) {
  int on = 0;
  socklen_t size = sizeof(on);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on != 0;
}

/// The address of a listening socket in the words of `socket =`; empty if it has none.
std::string address_of(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sun_family != AF_UNIX || size <= sizeof(address.sun_family))
    return {};
  return std::string(address.sun_path,
                     ::strnlen(address.sun_path, size - sizeof(address.sun_family)));
}

/// Whether that socket is among them, by another descriptor.
bool has(const CommandLine& line, int fd) {
  struct stat wanted{};
  return ::fstat(fd, &wanted) == 0 &&
         std::ranges::any_of(line.sockets, [&](const auto& socket) {
           struct stat s{};
           return ::fstat(socket.first.get(), &s) == 0 && s.st_ino == wanted.st_ino &&
                  s.st_dev == wanted.st_dev;
         });
}

/// For run_again(): the file may change both.
void remember_beginning(CommandLine& line) {
  line.directory = base::Fd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (char** entry = environ; *entry != nullptr; ++entry)
    line.environment.emplace_back(*entry);
}

/// What a uWSGI emperor gives its vassals beside arguments.
Taken take_from_foreign_emperor(CommandLine& line) {
  const char* number = ::getenv(wire::emperor_byte::kVariable);
  if (line.lifeline || number == nullptr) return {};
  auto fd = inherited(number);
  if (!fd) return base::wrap(fd.error(), wire::emperor_byte::kVariable);
  line.lifeline = *std::move(fd);
  line.speech = Lifeline::Speech::emperor_bytes;
  if (!listens(STDIN_FILENO) || has(line, STDIN_FILENO)) return {};
  TRY_ASSIGN(auto socket, base::duplicate(STDIN_FILENO));
  line.sockets.emplace_back(std::move(socket), address_of(STDIN_FILENO));
  return {};
}

}  // namespace

std::string usage() {
  std::string text =
      "usage: vassal --ini FILE          serve one file, without an emperor\n"
      "       vassal --config-fd N ...   as the emperor starts it\n\n";
  for (const Row& row : kRows) {
    std::string option = std::string("  --") + row.name +
                         (row.value != nullptr ? std::string(" ") + row.value : "");
    option.resize(std::max<size_t>(option.size() + 2, 27), ' ');
    text += option + row.help + "\n";
  }
  return text;
}

base::Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  constexpr auto kOptions = long_options();
  optind = 1;
  int index = 0;
  for (int found;
       (found = ::getopt_long(argc, argv, "", kOptions.data(), &index)) != -1;) {
    if (found != 1) return base::fail("try --help");
    const Row& row = kRows[index];
    if (const auto taken = row.take(line, optarg != nullptr ? optarg : ""); !taken)
      return base::wrap(taken.error(), std::string("--") + row.name);
  }
  if (optind < argc)
    return base::fail(std::string("unexpected argument '") + argv[optind] + "'");
  if (line.help || line.version) return line;
  if (line.ini.empty() == !line.config)
    return base::fail("give either --ini FILE or --config-fd N");
  if (line.ini.empty()) return line;
  remember_beginning(line);
  TRY(take_from_foreign_emperor(line));
  return line;
}

}  // namespace vassal
