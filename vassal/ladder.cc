#include "vassal/ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vassal/clone.h"
#include "vassal/identity.h"

namespace vassal {

namespace {

constexpr unsigned kLastFd = ~0U;

int session(Ladder&) {
  return ::setsid() < 0 ? errno : 0;
}

int cgroup_enter(Ladder& ladder) {
  for (const int file : ladder.cgroup_files)
    if (::write(file, "0", 1) != 1) return errno;
  return 0;
}

bool stands_in(const char* text, size_t size, const char* line) {
  const size_t length = ::strlen(line);
  for (size_t at = 0; at < size;) {
    const void* newline = ::memchr(text + at, '\n', size - at);
    const size_t end = newline != nullptr
                           ? static_cast<size_t>(static_cast<const char*>(newline) - text)
                           : size;
    if (end - at == length && ::memcmp(text + at, line, length) == 0) return true;
    at = end + 1;
  }
  return false;
}

int cgroup_verify(Ladder& ladder) {
  if (ladder.cgroup_lines.empty()) return 0;
  char text[32768];
  size_t size = 0;
  const int file = ::open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  for (;;) {
    const ssize_t n = ::read(file, text + size, sizeof(text) - size);
    if (n < 0) return errno;
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  (void)::close(file);
  for (const char* line : ladder.cgroup_lines)
    if (!stands_in(text, size, line)) return EXDEV;
  return 0;
}

int oom_score(Ladder& ladder) {
  if (ladder.oom_score_adj == nullptr) return 0;
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const ssize_t n = ::write(file, ladder.oom_score_adj, ::strlen(ladder.oom_score_adj));
  const int error = n < 0 ? errno : 0;
  (void)::close(file);
  return error;
}

// Every source first moves above the highest target, so that no dup3 overwrites a source
// that is still needed.
int lift(int& fd, int above) {
  const int lifted = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
  if (lifted < 0) return errno;
  fd = lifted;
  return 0;
}

int descriptors(Ladder& ladder) {
  const int report_at = ladder.fds.empty() ? 0 : ladder.fds.back().target + 1;
  if (const int error = lift(ladder.report, report_at + 1); error != 0) return error;
  for (FdMapping& fd : ladder.fds)
    if (const int error = lift(fd.source, report_at + 1); error != 0) return error;
  unsigned next = 0;
  for (const FdMapping& fd : ladder.fds) {
    if (::dup3(fd.source, fd.target, 0) < 0) return errno;
    const auto target = static_cast<unsigned>(fd.target);
    if (target > next && ::close_range(next, target - 1, 0) != 0) return errno;
    next = target + 1;
  }
  if (::dup3(ladder.report, report_at, O_CLOEXEC) < 0) return errno;
  ladder.report = report_at;
  return ::close_range(static_cast<unsigned>(report_at) + 1, kLastFd, 0) != 0 ? errno : 0;
}

int limits(Ladder& ladder) {
  for (const RlimitRow& row : ladder.rlimits) {
    const auto resource = static_cast<__rlimit_resource>(row.resource);
    rlimit value{row.value, row.value};
    if (row.soft_only) {
      if (::getrlimit(resource, &value) != 0) return errno;
      value.rlim_cur = std::min(row.value, value.rlim_max);
    }
    if (::setrlimit(resource, &value) != 0) return errno;
  }
  return 0;
}

int priority(Ladder& ladder) {
  if (ladder.nice == nullptr) return 0;
  return ::setpriority(PRIO_PROCESS, 0, *ladder.nice) != 0 ? errno : 0;
}

int file_mask(Ladder& ladder) {
  if (ladder.umask != nullptr) (void)::umask(*ladder.umask);
  return 0;
}

int signals(Ladder&) {
  return raw::reset_signals();
}

bool stays_root(const Ladder& ladder) {
  return ladder.identity == nullptr || ladder.identity->uid == 0;
}

int bounding_set(Ladder& ladder) {
  return stays_root(ladder) ? 0 : raw::drop_bounding_set();
}

int groups(Ladder& ladder) {
  if (ladder.identity == nullptr) return 0;
  return raw::set_groups(ladder.identity->groups.data(), ladder.identity->groups.size());
}

int gid(Ladder& ladder) {
  return ladder.identity == nullptr ? 0 : raw::set_gid(ladder.identity->gid);
}

int uid(Ladder& ladder) {
  return ladder.identity == nullptr ? 0 : raw::set_uid(ladder.identity->uid);
}

int capabilities(Ladder& ladder) {
  return stays_root(ladder) ? 0 : raw::drop_capabilities();
}

int no_new_privs(Ladder&) {
  return raw::forbid_new_privileges();
}

int no_way_back(Ladder& ladder) {
  if (ladder.identity == nullptr) return 0;
  return raw::verify_no_way_back(ladder.identity->uid, ladder.identity->gid);
}

int exec(Ladder& ladder) {
  (void)::execve(ladder.program, ladder.argv, ladder.envp);
  return errno;
}

// cgroup files have to be written before `descriptors` closes them; limits come after it,
// since max-fd may be below the numbers that are used there; everything that needs root
// comes before `uid`.
constexpr Rung kRungs[] = {
    {SpawnStep::session, session},
    {SpawnStep::cgroup_enter, cgroup_enter},
    {SpawnStep::cgroup_verify, cgroup_verify},
    {SpawnStep::oom_score, oom_score},
    {SpawnStep::descriptors, descriptors},
    {SpawnStep::limits, limits},
    {SpawnStep::priority, priority},
    {SpawnStep::umask, file_mask},
    {SpawnStep::signals, signals},
    {SpawnStep::bounding_set, bounding_set},
    {SpawnStep::groups, groups},
    {SpawnStep::gid, gid},
    {SpawnStep::uid, uid},
    {SpawnStep::capabilities, capabilities},
    {SpawnStep::no_new_privs, no_new_privs},
    {SpawnStep::no_way_back, no_way_back},
    {SpawnStep::exec, exec},
};

}  // namespace

const char* name_of(SpawnStep step) {
  switch (step) {
    case SpawnStep::session:
      return "setsid";
    case SpawnStep::cgroup_enter:
      return "cgroup enter";
    case SpawnStep::cgroup_verify:
      return "cgroup verify";
    case SpawnStep::oom_score:
      return "oom_score_adj";
    case SpawnStep::descriptors:
      return "descriptors";
    case SpawnStep::limits:
      return "setrlimit";
    case SpawnStep::priority:
      return "priority";
    case SpawnStep::umask:
      return "umask";
    case SpawnStep::signals:
      return "signals";
    case SpawnStep::bounding_set:
      return "capability bounding set";
    case SpawnStep::groups:
      return "setgroups";
    case SpawnStep::gid:
      return "setgid";
    case SpawnStep::uid:
      return "setuid";
    case SpawnStep::capabilities:
      return "capabilities";
    case SpawnStep::no_new_privs:
      return "no_new_privs";
    case SpawnStep::no_way_back:
      return "no way back to root";
    case SpawnStep::exec:
      return "exec";
  }
  return "unknown step";
}

std::span<const Rung> rungs() {
  return kRungs;
}

void climb(void* argument) {
  auto& ladder = *static_cast<Ladder*>(argument);
  for (const Rung& rung : kRungs) {
    const int error = rung.run(ladder);
    if (error == 0) continue;
    const SpawnReport report{static_cast<uint32_t>(rung.step), error};
    (void)!::write(ladder.report, &report, sizeof(report));
    break;
  }
  ::_exit(127);
}

}  // namespace vassal
