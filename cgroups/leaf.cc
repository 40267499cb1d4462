#include "cgroups/leaf.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/process.h"
#include "cgroups/library.h"

namespace cgroups {

namespace {

constexpr size_t kMembershipLimit = 64 << 10;
// Each pass kills what appeared during the one before; with forks forbidden two are
// enough.
constexpr int kKillPasses = 16;

bool has_line(std::string_view text, std::string_view line) {
  const std::string whole = "\n" + std::string(text);
  return whole.find("\n" + std::string(line) + "\n") != std::string::npos;
}

base::Result<std::string> membership_of(pid_t pid) {
  return base::read_file("/proc/" + std::to_string(pid) + "/cgroup", kMembershipLimit);
}

bool in_any(const std::vector<Place>& places, pid_t pid) {
  const auto text = membership_of(pid);
  return text && std::ranges::any_of(places, [&](const Place& place) {
           return has_line(*text, place.hierarchy.line_of(place.path));
         });
}

// The pid may have been reused since it was listed: only who is inside now, seen through
// a handle, is killed.
void kill_one(const std::vector<Place>& places, pid_t pid) {
  const auto process = base::Pidfd::open(pid);
  if (process && in_any(places, pid)) (void)process->signal(SIGKILL);
}

bool kill_by_kernel(const Place& place) {
  if (place.hierarchy.version != Version::v2) return false;
  const base::Fd file(
      ::open((place.directory() + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  return file && base::write_all(file.get(), "1").has_value();
}

base::Result<base::Fd> open_in(const Place& place, const char* file, int flags) {
  const std::string path = place.directory() + "/" + file;
  base::Fd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) return base::fail_errno("open " + path);
  return fd;
}

}  // namespace

base::Result<Attachment> Leaf::attachment() const {
  Attachment out;
  for (const Place& place : places_) {
    out.lines.push_back(place.hierarchy.line_of(place.path));
    if (place.hierarchy.version == Version::v1) {
      TRY_ASSIGN(base::Fd tasks, open_in(place, "tasks", O_WRONLY));
      out.tasks.push_back(std::move(tasks));
    } else {
      TRY_ASSIGN(out.v2_procs, open_in(place, "cgroup.procs", O_WRONLY));
      TRY_ASSIGN(out.v2_directory, open_in(place, ".", O_PATH | O_DIRECTORY));
    }
  }
  return out;
}

bool Leaf::holds(pid_t pid) const {
  const auto text = membership_of(pid);
  return text && std::ranges::all_of(places_, [&](const Place& place) {
           return has_line(*text, place.hierarchy.line_of(place.path));
         });
}

base::Result<std::vector<pid_t>> Leaf::processes() const {
  std::set<pid_t> all;
  for (const Place& place : places_) {
    auto pids = read_procs(place.directory());
    if (!pids && pids.error().is(std::errc::no_such_file_or_directory)) continue;
    if (!pids) return pids;
    all.insert(pids->begin(), pids->end());
  }
  return std::vector<pid_t>(all.begin(), all.end());
}

base::Result<> Leaf::forbid_forks() const {
  const Place* pids = find_place(places_, "pids");
  if (pids == nullptr) return {};
  return library::write(pids->path, "pids", "pids.max", "0");
}

base::Result<Removal> Leaf::kill() {
  const bool by_kernel = !places_.empty() && std::ranges::all_of(places_, kill_by_kernel);
  if (!by_kernel)
    (void)forbid_forks();  // where it cannot be done, the passes below still end
  std::set<pid_t> done;
  for (int pass = 0; pass < kKillPasses; ++pass) {
    TRY_ASSIGN(const std::vector<pid_t> inside, processes());
    if (inside.empty()) return Removal::removed;
    bool fresh = false;
    for (const pid_t pid : inside) {
      if (!done.insert(pid).second) continue;
      fresh = true;
      if (!by_kernel) kill_one(places_, pid);
    }
    if (!fresh) break;
  }
  return Removal::populated;
}

base::Result<Removal> Leaf::try_remove() {
  return remove_everywhere(places_);
}

uint64_t Leaf::oom_kills() const {
  return oom_kills_in(find_place(places_, "memory"));
}

std::string Leaf::text() const {
  return places_.empty() ? "" : places_.front().path;
}

}  // namespace cgroups
