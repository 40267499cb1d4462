// Spawns real programs with real ids and looks at them through /proc.
#include "vassal/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/cgroups/support.h"

using namespace cgroups_test;  // NOLINT(google-build-using-namespace)
using vassal::SpawnExecuted;
using vassal::SpawnFailed;
using vassal::SpawnPlan;
using vassal::SpawnStep;

namespace {

constexpr uid_t kUid = 54321;
constexpr gid_t kGid = 54322;

SpawnPlan plan_for(std::vector<std::string> argv) {
  SpawnPlan plan;
  plan.program = argv.front();
  plan.argv = std::move(argv);
  plan.env = {"PATH=/usr/bin:/bin", "GREETING=hello"};
  plan.identity = vassal::Identity{kUid, kGid, {kGid, 100}};
  return plan;
}

// A spawned process that is killed and reaped at the end.
struct Running {
  explicit Running(const SpawnPlan& plan, const cgroups::Leaf* leaf = nullptr) {
    auto result = vassal::spawn(plan, leaf);
    REQUIRE_MESSAGE(result, result.error().message());
    spawned = *std::move(result);
    outcome = vassal::wait_report(spawned.report.get());
  }
  ~Running() {
    (void)spawned.process.signal(SIGKILL);
    int status = 0;
    ::waitpid(spawned.process.pid(), &status, 0);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  bool executed() const { return std::holds_alternative<SpawnExecuted>(outcome); }
  std::string proc(const std::string& file) const {
    return content("/proc/" + std::to_string(spawned.process.pid()) + "/" + file);
  }
  // The value of "Key:\tvalue" in /proc/PID/status, tabs as spaces.
  std::string status(const std::string& key) const {
    std::istringstream lines(proc("status"));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(key + ":\t")) {
        std::string value = line.substr(key.size() + 2);
        for (char& c : value)
          c = c == '\t' ? ' ' : c;
        while (value.ends_with(' '))
          value.pop_back();
        return value;
      }
    return "";
  }

  vassal::Spawned spawned;
  vassal::SpawnOutcome outcome;
};

// What the program prints until it ends.
std::string output_of(SpawnPlan plan, const cgroups::Leaf* leaf = nullptr) {
  auto pipe = base::make_pipe();
  plan.fds.push_back({pipe->second.get(), STDOUT_FILENO});
  const Running running(plan, leaf);
  REQUIRE(running.executed());
  pipe->second.reset();
  return base::read_fd(pipe->first.get(), 1 << 20).value_or("unreadable");
}

void check_failed(const SpawnPlan& plan, SpawnStep step, int error) {
  const Running running(plan);
  REQUIRE(std::holds_alternative<SpawnFailed>(running.outcome));
  const auto& failed = std::get<SpawnFailed>(running.outcome);
  CHECK(failed.step == step);
  CHECK(failed.error == error);
}

}  // namespace

TEST_SUITE("spawn") {
  TEST_CASE("spawn: the program runs as the tenant and has no way back") {
    const Running running(plan_for({"/bin/sleep", "60"}));
    REQUIRE(running.executed());
    CHECK(running.status("Uid") == "54321 54321 54321 54321");
    CHECK(running.status("Gid") == "54322 54322 54322 54322");
    CHECK(running.status("Groups") == "100 54322");
    CHECK(running.status("NoNewPrivs") == "1");
    for (const std::string set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      CAPTURE(set);
      CHECK(running.status(set) == "0000000000000000");
    }
    const std::string pid = std::to_string(running.spawned.process.pid());
    CHECK(running.status("NSsid") == pid);
  }

  TEST_CASE("spawn: the environment is what the plan says and nothing else") {
    CHECK(output_of(plan_for({"/bin/env"})) == "PATH=/usr/bin:/bin\nGREETING=hello\n");
  }

  TEST_CASE("spawn: no descriptor leaks, and each one is where the plan put it") {
    const base::Fd careless(
        ::open("/etc/passwd", O_RDONLY));  // without close-on-exec, on purpose
    auto a = base::make_pipe();
    auto b = base::make_pipe();
    SpawnPlan plan = plan_for({"/bin/sleep", "60"});
    // Crossed over: each source is the other's target.
    plan.fds = {{a->first.get(), b->first.get()},
                {b->first.get(), a->first.get()},
                {a->second.get(), 100}};
    const Running running(plan);
    REQUIRE(running.executed());
    const std::string fds =
        "/proc/" + std::to_string(running.spawned.process.pid()) + "/fd";
    std::set<int> open;
    for (const auto& entry : std::filesystem::directory_iterator(fds))
      open.insert(std::stoi(entry.path().filename().string()));
    CHECK(open == std::set<int>{0, 1, 2, a->first.get(), b->first.get(), 100});
    const auto target = [&](const std::string& directory, int fd) {
      return std::filesystem::read_symlink(directory + "/" + std::to_string(fd)).string();
    };
    CHECK(target(fds, b->first.get()) == target("/proc/self/fd", a->first.get()));
    CHECK(target(fds, a->first.get()) == target("/proc/self/fd", b->first.get()));
    CHECK(target(fds, 0) == "/dev/null");
  }

  TEST_CASE("spawn: signals are as new, whatever the parent does with them") {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR1, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const Running running(plan_for({"/bin/sleep", "60"}));
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, &before, &after);
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGUSR1, SIG_DFL);
    CHECK(sigismember(&after, SIGTERM) == 1);
    CHECK(sigismember(&after, SIGINT) == 0);
    CHECK(running.status("SigIgn") == "0000000000000000");
    CHECK(running.status("SigBlk") == "0000000000000000");
    CHECK(running.status("SigCgt") == "0000000000000000");
  }

  TEST_CASE("spawn: limits of the process stand") {
    SpawnPlan plan =
        plan_for({"/bin/sh", "-c", "ulimit -n; ulimit -v; ulimit -c; umask"});
    plan.rlimits = {{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 64}, {RLIMIT_AS, 1 << 30}};
    plan.umask = 027;
    CHECK(output_of(plan) == "64\n1048576\n0\n0027\n");
  }

  TEST_CASE("spawn: the priority is the plan's") {
    SpawnPlan plan = plan_for({"/bin/sleep", "60"});
    plan.nice = 7;
    const Running running(plan);
    REQUIRE(running.executed());
    CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(running.spawned.process.pid())) ==
          7);
  }

  TEST_CASE("spawn: oom_score_adj is high until it is lowered") {
    SpawnPlan plan = plan_for({"/bin/sleep", "60"});
    plan.oom_score_adj = 500;
    const Running running(plan);
    CHECK(running.proc("oom_score_adj") == "500\n");
    REQUIRE(vassal::set_oom_score_adj(running.spawned.process.pid(), 0));
    CHECK(running.proc("oom_score_adj") == "0\n");
  }

  TEST_CASE("spawn: cgroup limits stand before the first instruction") {
    TestTree tree;
    cgroups::Limits limits;
    limits.pids_max = 5;
    limits.memory_max = 64 << 20;
    auto created = tree->create("alice/site", limits);
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(3);
    const std::string membership =
        output_of(plan_for({"/bin/cat", "/proc/self/cgroup"}), &leaf);
    const auto attachment = leaf.attachment();
    for (const std::string& line : attachment->lines) {
      CAPTURE(line);
      CHECK(("\n" + membership).find("\n" + line + "\n") != std::string::npos);
      CHECK(line.ends_with("/alice~site/gen-3"));
    }
    CHECK(attachment->lines.size() >= 1);
  }

  TEST_CASE("spawn: a v2 group is entered by birth or by moving") {
    auto layout = cgroups::read_layout();
    if (!layout || layout->v2() == nullptr || layout->v2()->controllers.empty()) return;
    TestTree tree(cgroups::Mode::v2);
    auto created = tree->create("blog", {});
    REQUIRE(created);
    cgroups::Leaf leaf = *created->group.make_leaf(1);
    const Running running(plan_for({"/bin/sleep", "60"}), &leaf);
    REQUIRE(running.executed());
    CHECK(leaf.holds(running.spawned.process.pid()));
  }

  TEST_CASE("spawn: a membership that is not what it should be stops the child") {
    auto pipe = base::make_pipe();
    const char* const lines[] = {"4:memory:/somewhere/else"};
    vassal::Ladder ladder;
    ladder.cgroup_lines = lines;
    ladder.report = pipe->second.get();
    auto child = vassal::clone_child(vassal::Parent::us, -1, vassal::climb, &ladder);
    REQUIRE(child);
    const auto outcome = vassal::wait_report(pipe->first.get());
    int status = 0;
    ::waitpid(child->pid(), &status, 0);
    CHECK(WEXITSTATUS(status) == 127);
    REQUIRE(std::holds_alternative<SpawnFailed>(outcome));
    CHECK(std::get<SpawnFailed>(outcome).step == SpawnStep::cgroup_verify);
    CHECK(std::get<SpawnFailed>(outcome).message() ==
          "cgroup verify: Invalid cross-device link");
  }

  TEST_CASE("spawn: the failing step is reported with its errno") {
    check_failed(plan_for({"/no/such/program"}), SpawnStep::exec, ENOENT);
    check_failed(plan_for({"/etc/passwd"}), SpawnStep::exec, EACCES);
    SpawnPlan limit = plan_for({"/bin/true"});
    limit.rlimits = {{RLIMIT_NOFILE, RLIM_INFINITY}};
    check_failed(limit, SpawnStep::limits, EPERM);
    SpawnPlan oom = plan_for({"/bin/true"});
    oom.oom_score_adj = 5000;
    check_failed(oom, SpawnStep::oom_score, EINVAL);
    SpawnPlan closed = plan_for({"/bin/true"});
    closed.fds = {{999, 3}};
    check_failed(closed, SpawnStep::descriptors, EBADF);
    SpawnPlan nobody = plan_for({"/bin/true"});
    nobody.identity->uid = static_cast<uid_t>(-1);
    check_failed(nobody, SpawnStep::no_way_back, EPERM);
  }

  TEST_CASE(
      "spawn: one target for two descriptors is refused before anything is cloned") {
    SpawnPlan plan = plan_for({"/bin/true"});
    plan.fds = {{0, 3}, {1, 3}};
    const auto spawned = vassal::spawn(plan, nullptr);
    REQUIRE_FALSE(spawned);
    CHECK(spawned.error().is(std::errc::invalid_argument));
  }

  TEST_CASE(
      "spawn: without privileges nobody else can be become, and oneself needs none") {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresgid(kGid, kGid, kGid) != 0 || ::setresuid(kUid, kUid, kUid) != 0)
        ::_exit(1);
      SpawnPlan other = plan_for({"/bin/true"});
      auto spawned = vassal::spawn(other, nullptr);
      const auto outcome = vassal::wait_report(spawned->report.get());
      const auto* failed = std::get_if<SpawnFailed>(&outcome);
      if (failed == nullptr || failed->step != SpawnStep::groups ||
          failed->error != EPERM)
        ::_exit(2);
      SpawnPlan same = plan_for({"/bin/true"});
      same.identity.reset();
      auto again = vassal::spawn(same, nullptr);
      const auto second = vassal::wait_report(again->report.get());
      ::_exit(std::holds_alternative<SpawnExecuted>(second) ? 0 : 3);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
  }

  TEST_CASE("spawn: the keeper's child survives the emperor that made it") {
    auto pipe = base::make_pipe();
    const pid_t emperor = ::fork();
    if (emperor == 0) {
      SpawnPlan plan = plan_for({"/bin/sleep", "60"});
      plan.parent = vassal::Parent::ours;
      auto spawned = vassal::spawn(plan, nullptr);
      const bool executed = spawned && std::holds_alternative<SpawnExecuted>(
                                           vassal::wait_report(spawned->report.get()));
      const pid_t pid = executed ? spawned->process.pid() : -1;
      (void)!::write(pipe->second.get(), &pid, sizeof(pid));
      ::_exit(0);
    }
    pid_t pid = -1;
    REQUIRE(::read(pipe->first.get(), &pid, sizeof(pid)) == sizeof(pid));
    int status = 0;
    ::waitpid(emperor, &status, 0);
    REQUIRE(pid > 0);
    auto process = base::Pidfd::open(pid);
    REQUIRE(process);
    CHECK_FALSE(process->ended());
    CHECK(content("/proc/" + std::to_string(pid) + "/status")
              .find("PPid:\t" + std::to_string(::getpid())) != std::string::npos);
    CHECK(process->signal(SIGKILL));
    CHECK(::waitpid(pid, &status, 0) == pid);  // we are the parent: we can reap it
  }

  TEST_CASE("spawn: the parent does not wait for the child") {
    SpawnPlan plan = plan_for({"/bin/sleep", "60"});
    auto spawned = vassal::spawn(plan, nullptr);
    REQUIRE(spawned);
    // Whatever it says now, it says so without blocking, and in the end it is executed.
    const auto outcome = vassal::wait_report(spawned->report.get());
    CHECK(std::holds_alternative<SpawnExecuted>(outcome));
    CHECK(spawned->process.signal(SIGKILL));
    int status = 0;
    ::waitpid(spawned->process.pid(), &status, 0);
  }
}
