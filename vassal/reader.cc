#include "vassal/reader.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/ini_expand.h"
#include "base/ini_magic.h"
#include "vassal/settings_codec.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IMPERIUM_SANITIZED 1
#endif
#endif

namespace vassal {

namespace {

namespace fs = std::filesystem;

std::string directory_of(const std::string& path) {
  std::error_code error;
  const auto absolute = fs::absolute(path, error);
  return error ? "/" : absolute.parent_path().string();
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

/// Everything but the directory, which differs from file to file.
base::IniWorld world_of(uid_t uid, gid_t gid, const ReadOptions& options) {
  base::IniWorld world;
  world.host_name = host_name();
  world.version = IMPERIUM_VERSION;
  world.uid = uid;
  world.gid = gid;
  world.environment = options.environment;
  world.user = std::to_string(uid);
  if (const ::passwd* user = ::getpwuid(uid); user != nullptr) {
    world.user = user->pw_name;
    if (world.variable("HOME") == nullptr)
      world.environment.emplace_back("HOME", user->pw_dir);
  }
  if (const ::group* group = ::getgrgid(gid); group != nullptr)
    world.group = group->gr_name;
  world.cpus = std::max(1U, std::thread::hardware_concurrency());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  world.unix_time_us = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  world.for_many = options.for_many;
  return world;
}

/// Hashes what passes through on the way to the expansion.
class HashingFiles final : public base::FileSource {
 public:
  explicit HashingFiles(base::OpenFiles& files) : files_(files) {}

  base::Result<base::SourceFile> read(const std::string& path, size_t limit) override {
    auto file = files_.read(path, limit);
    if (file) hash_ = fnv1a(file->text, hash_);
    return file;
  }
  Kind kind(const std::string& path) override { return files_.kind(path); }
  std::vector<std::string> glob(const std::string& pattern, size_t limit) override {
    return files_.glob(pattern, limit);
  }
  uint64_t hash() const { return hash_; }

 private:
  base::OpenFiles& files_;
  uint64_t hash_ = fnv1a({});
};

/// In front of the file's own settings, so that its chmod-socket has the last word.
void add_on_demand(const std::string& path,
                   base::FileSource& files,
                   std::vector<base::Setting>* settings) {
  if (files.kind(path) != base::FileSource::Kind::file) return;
  const auto file = files.read(path, 4096);
  if (!file) return;
  const auto end = std::ranges::find_if(
      file->text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  const std::string address(file->text.begin(), end);
  if (address.empty()) return;
  const base::Origin origin{path, 1};
  settings->insert(settings->begin(), {{"chmod-socket", "666", origin},
                                       {"socket", address, origin},
                                       {"start", "lazy", origin}});
}

ReadResult read_in_world(const std::string& path,
                         base::IniWorld world,
                         const ReadOptions& options) {
  world.cwd = directory_of(path);
  base::OpenFiles opened(world.cwd, options.links);
  HashingFiles files(opened);
  base::IniRequest request{.path = fs::path(path).filename().string()};
  request.path = path.starts_with('/') ? path : world.cwd + "/" + request.path;
  request.sections = options.sections;
  const base::MagicFile top{request.path, path, 0};
  const base::Magic magic{world, top, top};
  for (const auto& [key, value] : options.preset)
    request.preset.push_back(
        {key, magic.apply(value, nullptr), {kPresetOrigin, 0}, true});
  auto expanded = base::expand_ini(request, files, world, options.limits);
  if (!options.on_demand_extension.empty())
    add_on_demand(path + options.on_demand_extension, files, &expanded.settings);
  return {path, opened.facts(), files.hash(), std::move(expanded.settings),
          std::move(expanded.diagnostics)};
}

}  // namespace

ReadResult read_vassal_file(const std::string& path, const ReadOptions& options) {
  return read_in_world(path, world_of(::geteuid(), ::getegid(), options), options);
}

namespace {

struct ReaderPlan {
  const std::vector<std::string>& paths;
  uid_t uid;
  gid_t gid;
  const ReadOptions& options;
  base::IniWorld world;
  rlim_t address_space;
};

/// What this process has mapped, plus room for the largest expansion.
rlim_t address_space_for_a_reader() {
  constexpr rlim_t kRoom = rlim_t{256} << 20;
  unsigned long pages = 0;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "re"); statm != nullptr) {
    if (std::fscanf(statm, "%lu", &pages) != 1) pages = 0;
    std::fclose(statm);
  }
  return pages == 0 ? RLIM_INFINITY
                    : rlim_t{pages} * static_cast<rlim_t>(::getpagesize()) + kRoom;
}

bool limit(__rlimit_resource resource, rlim_t most) {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return false;
  const rlim_t value = std::min(most, now.rlim_max);
  const rlimit wanted{value, value};
  return ::setrlimit(resource, &wanted) == 0;
}

/// Nothing of the emperor's may reach a tenant: neither descriptors, nor its memory
/// through ptrace.
bool confine(const ReaderPlan& plan, int output) {
  if (output > 3 &&
      ::syscall(SYS_close_range, 3U, static_cast<unsigned>(output - 1), 0U) != 0)
    return false;
  if (::syscall(SYS_close_range, static_cast<unsigned>(output + 1), ~0U, 0U) != 0)
    return false;
  if (::prctl(PR_SET_DUMPABLE, 0) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return false;
  // one busy second for a file, ten milliseconds for each further one; twenty by the
  // clock
  const auto many = static_cast<rlim_t>(plan.paths.size());
  const itimerval clock{{0, 0}, {20 + static_cast<time_t>(many / 50), 0}};
  if (::setitimer(ITIMER_REAL, &clock, nullptr) != 0) return false;
  if (!limit(RLIMIT_CPU, 2 + many / 100) || !limit(RLIMIT_FSIZE, 0) ||
      !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, 64))
    return false;
#ifndef IMPERIUM_SANITIZED  // a sanitizer maps terabytes
  if (!limit(RLIMIT_AS, plan.address_space)) return false;
#endif
  if (::geteuid() != 0 || plan.uid == 0) return true;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(plan.gid, plan.gid, plan.gid) != 0 ||
      ::setresuid(plan.uid, plan.uid, plan.uid) != 0)
    return false;
  return ::prctl(PR_SET_DUMPABLE, 0) == 0;  // changing ids may have set it again
}

void default_signals() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_reader(const ReaderPlan& plan, int output) {
  default_signals();
  if (!confine(plan, output)) ::_exit(126);
  for (const std::string& path : plan.paths) {
    const ReadResult result = read_in_world(path, plan.world, plan.options);
    if (!base::write_all(output, framed(result))) ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

base::Result<pid_t> fork_reader(const std::vector<std::string>& paths,
                                uid_t uid,
                                gid_t gid,
                                const ReadOptions& options,
                                int output) {
  base::IniWorld world = world_of(uid, gid, options);
  // files that also run alone ask by `if-not-env = UWSGI_EMPEROR_FD` whether they do
  if (world.variable("UWSGI_EMPEROR_FD") == nullptr)
    world.environment.emplace_back("UWSGI_EMPEROR_FD", "3");
  const ReaderPlan plan{
      paths, uid, gid, options, std::move(world), address_space_for_a_reader()};
  // Without the handlers for forks: libuv's closes its descriptors by number, and in a
  // process that closed them already those are the reader's.
  const pid_t pid = ::_Fork();
  if (pid < 0) return base::fail_errno("fork of the reader");
  if (pid == 0) run_reader(plan, output);
  return pid;
}

base::Result<ReaderChild> start_reader(std::vector<std::string> paths,
                                       uid_t uid,
                                       gid_t gid,
                                       const ReadOptions& options) {
  TRY_ASSIGN(auto pipe, base::make_pipe());
  TRY(base::set_blocking(pipe.first.get(), base::Blocking::no));
  TRY_ASSIGN(const pid_t pid, fork_reader(paths, uid, gid, options, pipe.second.get()));
  TRY_ASSIGN(auto process, base::Pidfd::open(pid));
  return ReaderChild{std::move(process), std::move(pipe.first), std::move(paths)};
}

base::Result<std::vector<ReadResult>> finish_reader(ReaderChild child) {
  ReadResultStream stream;
  std::vector<ReadResult> out;
  char buffer[65536];
  for (;;) {
    pollfd ready{child.output.get(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    const ssize_t n = ::read(child.output.get(), buffer, sizeof(buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return base::fail_errno("read from the reader");
    if (n == 0) break;
    TRY_ASSIGN(auto results, stream.feed({buffer, static_cast<size_t>(n)}));
    for (auto& result : results)
      out.push_back(std::move(result));
  }
  pollfd ended{child.process.fd(), POLLIN, 0};
  ::poll(&ended, 1, -1);
  TRY(child.process.try_wait());
  return out;
}

}  // namespace vassal
