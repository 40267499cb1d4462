#include "cgroups/delegation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/files.h"
#include "cgroups/group.h"

namespace cgroups {

namespace {

base::Result<> move_into(const std::string& directory, pid_t pid) {
  const base::Fd procs(::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!procs) return base::fail_errno("open " + directory + "/cgroup.procs");
  const auto written = base::write_all(procs.get(), std::to_string(pid));
  if (!written) return base::wrap(written.error(), directory + "/cgroup.procs");
  return {};
}

}  // namespace

base::Result<std::string> make_room(const Hierarchy& v2, std::span<const pid_t> companions) {
  const std::string directory = v2.mount_point + (v2.own_path == "/" ? "" : v2.own_path);
  // The true root has no type and may hold processes beside limited children.
  if (::access((directory + "/cgroup.type").c_str(), F_OK) != 0) return v2.own_path;
  TRY_ASSIGN(const std::vector<pid_t> inside, read_procs(directory));
  for (const pid_t pid : inside)
    if (pid != ::getpid() && std::ranges::find(companions, pid) == companions.end())
      return base::fail(EBUSY, "cgroup " + v2.own_path + " also holds process " + std::to_string(pid) +
                                   ", so that it cannot limit groups below it (under systemd: Delegate=yes)");
  const std::string leaf = directory + "/" + kSupervisor;
  if (!inside.empty() && ::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST)
    return base::fail_errno("mkdir " + leaf);
  for (const pid_t pid : inside) TRY(move_into(leaf, pid));
  return v2.own_path;
}

}  // namespace cgroups
