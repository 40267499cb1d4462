#include "vassal/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace vassal {

namespace {

// Everything the ladder points into; lives until the clone has copied it.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<FdMapping> fds;
  std::vector<int> cgroup_files;
  std::vector<const char*> cgroup_lines;
  cgroups::Attachment attachment;
  base::Fd null;
  std::string oom_score_adj;
  Ladder ladder;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings)
    out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

base::Result<> prepare_fds(const SpawnPlan& plan, Prepared& p) {
  p.fds = plan.fds;
  for (int target = 0; target <= STDERR_FILENO; ++target) {
    if (std::ranges::find(p.fds, target, &FdMapping::target) != p.fds.end()) continue;
    if (!p.null) p.null = base::Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!p.null) return base::fail_errno("open /dev/null");
    p.fds.push_back({p.null.get(), target});
  }
  std::ranges::sort(p.fds, {}, &FdMapping::target);
  const bool twice =
      std::ranges::adjacent_find(p.fds, {}, &FdMapping::target) != p.fds.end();
  return twice ? base::fail(EINVAL, "spawn: one target for two descriptors")
               : base::Result<>{};
}

void prepare_cgroup(Prepared& p) {
  for (const base::Fd& tasks : p.attachment.tasks)
    p.cgroup_files.push_back(tasks.get());
  for (const std::string& line : p.attachment.lines)
    p.cgroup_lines.push_back(line.c_str());
}

void prepare_ladder(const SpawnPlan& plan, Prepared& p) {
  p.argv = pointers(plan.argv);
  p.env = pointers(plan.env);
  if (plan.oom_score_adj) p.oom_score_adj = std::to_string(*plan.oom_score_adj);
  Ladder& l = p.ladder;
  l.program = plan.program.c_str();
  l.argv = p.argv.data();
  l.envp = p.env.data();
  l.cgroup_lines = p.cgroup_lines;
  l.fds = p.fds;
  l.rlimits = plan.rlimits;
  l.nice = plan.nice ? &*plan.nice : nullptr;
  l.umask = plan.umask ? &*plan.umask : nullptr;
  l.oom_score_adj = plan.oom_score_adj ? p.oom_score_adj.c_str() : nullptr;
  l.identity = plan.identity ? &*plan.identity : nullptr;
}

// Being born in a v2 group is cheaper than moving there, but some kernels and containers
// refuse it.
base::Result<base::Pidfd> clone_into_cgroup(const SpawnPlan& plan, Prepared& p) {
  p.ladder.cgroup_files = p.cgroup_files;
  if (p.attachment.v2_directory) {
    auto born =
        clone_child(plan.parent, p.attachment.v2_directory.get(), climb, &p.ladder);
    if (born) return born;
    p.cgroup_files.push_back(p.attachment.v2_procs.get());
    p.ladder.cgroup_files = p.cgroup_files;
  }
  return clone_child(plan.parent, -1, climb, &p.ladder);
}

}  // namespace

base::Result<Spawned> spawn(const SpawnPlan& plan, const cgroups::Leaf* leaf) {
  Prepared p;
  TRY(prepare_fds(plan, p));
  if (leaf != nullptr) {
    TRY_ASSIGN(p.attachment, leaf->attachment());
    prepare_cgroup(p);
  }
  prepare_ladder(plan, p);
  TRY_ASSIGN(base::FdPair report, base::make_pipe());
  TRY(base::set_blocking(report.first.get(), base::Blocking::no));
  p.ladder.report = report.second.get();
  TRY_ASSIGN(base::Pidfd process, clone_into_cgroup(plan, p));
  return Spawned{std::move(process), std::move(report.first)};
}

std::string SpawnFailed::message() const {
  return base::Error{std::error_code(error, std::generic_category()), name_of(step)}
      .message();
}

SpawnOutcome read_report(int report) {
  SpawnReport said;
  ssize_t n;
  do {
    n = ::read(report, &said, sizeof(said));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return SpawnPending{};
  if (n == sizeof(said))
    return SpawnFailed{static_cast<SpawnStep>(said.step), said.error};
  return SpawnExecuted{};
}

SpawnOutcome wait_report(int report) {
  pollfd p{report, POLLIN, 0};
  while (::poll(&p, 1, -1) < 0 && errno == EINTR) {
  }
  return read_report(report);
}

base::Result<> set_oom_score_adj(pid_t pid, int value) {
  const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return base::fail_errno("open " + path);
  const auto written = base::write_all(file.get(), std::to_string(value));
  if (!written) return base::wrap(written.error(), path);
  return {};
}

}  // namespace vassal
