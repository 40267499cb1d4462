#include "vassal/startup.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/files.h"
#include "base/wire/emperor_byte.h"
#include "vassal/address.h"
#include "vassal/bind.h"
#include "vassal/identity.h"
#include "vassal/journal.h"
#include "vassal/reader.h"
#include "vassal/settings_codec.h"

namespace vassal {

namespace {

Level level_of(Diagnostic::Level level) {
  switch (level) {
    case Diagnostic::Level::note:
      return Level::info;
    case Diagnostic::Level::warning:
      return Level::warn;
    case Diagnostic::Level::error:
      return Level::error;
  }
  return Level::error;
}

/// Everything that is to be said about the file goes to the log, but the first error:
/// that one is the result, and whoever gets it says it.
void tell_all(const std::vector<Diagnostic>& diagnostics, const Diagnostic* error) {
  for (const Diagnostic& d : diagnostics)
    if (&d != error) say(level_of(d.level), d.message());
}

base::Result<Layers> layers_of_memfd(int fd) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return base::fail_errno("read the configuration");
  TRY_ASSIGN(const std::string bytes, base::read_fd(fd, kMostEncodedBytes));
  return decode_layers(bytes);
}

ReadOptions options_for_a_file() {
  ReadOptions options;
  options.links = base::Links::follow;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equal = text.find('=');
    if (equal != std::string_view::npos)
      options.environment.emplace_back(text.substr(0, equal), text.substr(equal + 1));
  }
  return options;
}

/// Adds what `path` says. What was said so far counts as standing in front of it.
base::Result<> add_file(const std::string& path,
                        ReadOptions& options,
                        std::vector<base::Setting>& settings) {
  options.preset.clear();
  for (const base::Setting& s : settings)
    options.preset.emplace_back(s.key, s.value);
  ReadResult result = read_vassal_file(path, options);
  const Diagnostic* error = result.first_error();
  tell_all(result.diagnostics, error);
  if (error != nullptr) return base::fail(error->message());
  const size_t known = std::min(settings.size(), result.settings.size());
  for (size_t i = 0; i < known; ++i)
    settings[i].placeholder = true;
  settings.insert(settings.end(), result.settings.begin() + static_cast<ptrdiff_t>(known),
                  result.settings.end());
  return {};
}

base::Result<> add_surroundings(const std::vector<Surrounding>& all,
                                ReadOptions& options,
                                std::vector<base::Setting>& settings) {
  for (const auto& [kind, text] : all) {
    if (kind == Surrounding::Kind::file) {
      TRY(add_file(text, options, settings));
      continue;
    }
    const size_t equal = text.find('=');
    settings.push_back(
        {text.substr(0, equal), text.substr(equal + 1), {"--set", 0}, true});
  }
  return {};
}

base::Result<Layers> layers_of_file(const CommandLine& line) {
  ReadOptions options = options_for_a_file();
  Layers layers;
  TRY(add_surroundings(line.before, options, layers.vassal));
  TRY(add_file(line.ini, options, layers.vassal));
  TRY(add_surroundings(line.behind, options, layers.vassal));
  layers.file = line.ini;
  return layers;
}

/// As exec wants them; into `texts`.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::string directory_beside_program() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  std::string text(path.data(), n > 0 ? static_cast<size_t>(n) : 0);
  for (int i = 0; i < 2; ++i)
    text.resize(std::min(text.size(), text.rfind('/')));
  return text + "/lib";
}

}  // namespace

base::Result<VassalConfig> read_config(const CommandLine& line) {
  TRY_ASSIGN(const Layers layers,
             line.config ? layers_of_memfd(line.config.get()) : layers_of_file(line));
  // Alone, no router is its own.
  const Surroundings around{.own_routers = {std::string(kNoRouter)}};
  Parsed parsed =
      make_config(layers, system_names(), line.config ? Surroundings{} : around);
  // The emperor told about its files already, when it took them.
  const Diagnostic* error = parsed.first_error();
  if (!line.config) tell_all(parsed.diagnostics, error);
  if (error != nullptr) return base::fail(error->message());
  return std::move(parsed.config);
}

base::Result<> bind_sockets(const VassalConfig& config, CommandLine& line) {
  for (const SocketAddress& address : config.sockets) {
    const auto same = [&](const auto& socket) {
      return socket.second == address.text || socket.second == address.path;
    };
    if (std::ranges::none_of(line.sockets, same)) {
      BindRequest request;
      request.address = address;
      request.mode = config.chmod_socket;
      if (config.listen) request.backlog = static_cast<int>(*config.listen);
      if (config.umask) request.umask = *config.umask;
      TRY_ASSIGN(BoundSocket bound, bind_now(request));
      line.sockets.emplace_back(std::move(bound.socket), address.text);
    }
    struct stat file{};
    if (address.kind == SocketAddress::Kind::unix_path &&
        ::lstat(address.path.c_str(), &file) == 0)
      line.files.push_back({address.path, file.st_dev, file.st_ino});
  }
  return {};
}

void unlink_sockets(const CommandLine& line) {
  for (const SocketFile& known : line.files) {
    struct stat file{};
    if (::lstat(known.path.c_str(), &file) == 0 && file.st_dev == known.device &&
        file.st_ino == known.inode)
      ::unlink(known.path.c_str());
  }
}

base::Error run_again(const CommandLine& line, char** argv) {
  std::vector<std::string> words;
  for (char** word = argv; *word != nullptr; ++word)
    if (!std::string_view(*word).starts_with("--socket-fd")) words.emplace_back(*word);
  for (const auto& [fd, address] : line.sockets) {
    ::fcntl(fd.get(), F_SETFD, 0);
    words.push_back("--socket-fd=" + std::to_string(fd.get()) + ":" + address);
  }
  if (const char* number = ::getenv(wire::emperor_byte::kVariable); number != nullptr)
    ::fcntl(std::atoi(number), F_SETFD, 0);
  // Names on the command line start from there; the file may have changed directory.
  if (line.directory && ::fchdir(line.directory.get()) != 0)
    say(Level::warn, base::fail_errno("back to where it began").error().message());
  std::vector<std::string> variables = line.environment;
  ::execve("/proc/self/exe", pointers(words).data(), pointers(variables).data());
  return base::fail_errno("start anew").error();
}

base::Result<> become_user(const VassalConfig& config) {
  if (::geteuid() != 0 || !config.uid) return {};
  const gid_t* asked = config.gid ? &*config.gid : nullptr;
  const UserFacts user = look_up_user(*config.uid, asked);
  const gid_t gid = config.gid.value_or(user.primary_gid);
  std::vector<gid_t> groups = config.no_initgroups ? std::vector<gid_t>{} : user.groups;
  groups.insert(groups.end(), config.add_gids.begin(), config.add_gids.end());
  if (const int e = raw::set_groups(groups.data(), groups.size()))
    return base::fail(e, "setgroups");
  if (const int e = raw::set_gid(gid))
    return base::fail(e, "setgid " + std::to_string(gid));
  if (const int e = raw::set_uid(*config.uid))
    return base::fail(e, "setuid " + std::to_string(*config.uid));
  if (const int e = raw::verify_no_way_back(*config.uid, gid))
    return base::fail(e, "give up root");
  return {};
}

base::Result<> settle_process(const VassalConfig& config) {
  if (config.umask) ::umask(*config.umask);
  for (const auto& [key, value] : config.env)
    ::setenv(key.c_str(), value.c_str(), 1);
  for (const std::string& key : config.unenv)
    ::unsetenv(key.c_str());
  const std::string& directory = config.chdir.empty() ? config.directory : config.chdir;
  if (!directory.empty() && ::chdir(directory.c_str()) != 0)
    return base::fail_errno("chdir " + directory);
  return {};
}

void prepare_listener(int fd) {
  if (const auto set = base::set_blocking(fd, base::Blocking::no); !set)
    say(Level::warn, "listener: " + set.error().message());
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::string runtimes_directory(const CommandLine& line) {
  return line.runtimes.empty() ? directory_beside_program() : line.runtimes;
}

base::Result<Runtime*> open_runtime(const VassalConfig& config,
                                    const std::string& directory) {
  const bool application =
      !config.wsgi_file.empty() || !config.module.empty() || !config.mounts.empty();
  if (!application && !config.static_maps.empty()) return nullptr;
  if (config.runtime != "python")
    return base::fail("the runtime '" + config.runtime + "' is not built in");
  const std::string path = directory + "/imperium_python.so";
  // RTLD_GLOBAL: Python's own extension modules look for the interpreter's symbols.
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (object == nullptr) return base::fail(std::string("runtime: ") + ::dlerror());
  const auto make = reinterpret_cast<MakeRuntime>(::dlsym(object, kRuntimeSymbol));
  Runtime* runtime = make != nullptr ? make(kRuntimeAbi) : nullptr;
  if (runtime == nullptr)
    return base::fail("runtime: " + path + " is of another version");
  return runtime;
}

}  // namespace vassal
