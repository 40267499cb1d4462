#include "cgroups/delegation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/files.h"
#include "cgroups/place.h"

namespace cgroups {

namespace {

base::Result<> move_into(const std::string& directory, pid_t pid) {
  const base::Fd procs(
      ::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!procs) return base::fail_errno("open " + directory + "/cgroup.procs");
  const auto written = base::write_all(procs.get(), std::to_string(pid));
  if (!written) return base::wrap(written.error(), directory + "/cgroup.procs");
  return {};
}

}  // namespace

base::Result<> make_room(const Hierarchy& v2, std::span<const pid_t> companions) {
  const std::string directory = v2.mount_point + (v2.own_path == "/" ? "" : v2.own_path);
  if (is_true_root(directory)) return {};
  TRY_ASSIGN(const std::vector<pid_t> inside, read_procs(directory));
  for (const pid_t pid : inside)
    if (pid != ::getpid() && std::ranges::find(companions, pid) == companions.end())
      return base::fail(EBUSY, "cgroup " + v2.own_path + " holds other processes (pid " +
                                   std::to_string(pid) +
                                   ") and cannot limit groups below it");
  const std::string leaf = directory + "/" + kSupervisor;
  if (!inside.empty() && ::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST)
    return base::fail_errno("mkdir " + leaf);
  for (const pid_t pid : inside)
    TRY(move_into(leaf, pid));
  return {};
}

// The root alone has no type.
bool is_true_root(const std::string& directory) {
  return ::access((directory + "/cgroup.procs").c_str(), F_OK) == 0 &&
         ::access((directory + "/cgroup.type").c_str(), F_OK) != 0;
}

}  // namespace cgroups
