#include "vassal/spawn_plan.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace vassal {

namespace {

constexpr char kPath[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kFirstFd = 3;

std::vector<gid_t> supplementary(const VassalConfig& config, const UserFacts& user) {
  std::vector<gid_t> groups;
  if (!config.no_initgroups) groups = user.groups;
  for (const gid_t gid : config.add_gids)
    if (std::ranges::find(groups, gid) == groups.end()) groups.push_back(gid);
  return groups;
}

// Without privileges only our own ids can be had, and then there is nothing to change.
base::Result<std::optional<Identity>> identity_for(const VassalConfig& config,
                                                   const SpawnFacts& facts) {
  const uid_t uid = config.uid.value_or(facts.our_uid);
  if (facts.our_uid != 0) {
    const gid_t gid = config.gid.value_or(facts.our_gid);
    if (uid == facts.our_uid && gid == facts.our_gid) return std::nullopt;
    return base::fail(EPERM, "only root can run a vassal as uid " + std::to_string(uid) +
                                 " gid " + std::to_string(gid));
  }
  const gid_t gid =
      config.gid.value_or(config.uid ? facts.user.primary_gid : facts.our_gid);
  if (uid == 0 && !facts.root_allowed)
    return base::fail(config.uid ? "uid = root is refused for a vassal"
                                 : "no uid is set: a vassal does not run as root");
  if (gid == 0 && !facts.root_allowed)
    return base::fail("gid = root is refused for a vassal");
  return Identity{uid, gid, supplementary(config, facts.user)};
}

std::vector<RlimitRow> rlimits_for(const VassalConfig& config) {
  std::vector<RlimitRow> rows = {{RLIMIT_CORE, 0}};
  if (config.limit_as_bytes) rows.push_back({RLIMIT_AS, *config.limit_as_bytes});
  if (config.limit_nproc) rows.push_back({RLIMIT_NPROC, *config.limit_nproc});
  if (config.max_fd)
    rows.push_back({RLIMIT_NOFILE, *config.max_fd});
  else
    rows.push_back({RLIMIT_NOFILE, kUsualFiles, true});
  return rows;
}

std::vector<std::string> environment(const SpawnFacts& facts) {
  std::vector<std::string> env = {kPath, "LANG=C.UTF-8", "HOME=" + facts.user.home};
  if (facts.user.name.empty()) return env;
  env.push_back("USER=" + facts.user.name);
  env.push_back("LOGNAME=" + facts.user.name);
  return env;
}

void add_descriptors(const VassalFds& fds, SpawnPlan& plan) {
  int next = kFirstFd;
  const auto pass = [&](int source, const std::string& key, const std::string& suffix) {
    if (source < 0) return;
    plan.argv.push_back("--" + key + "=" + std::to_string(next) + suffix);
    plan.fds.push_back({source, next++});
  };
  if (fds.output >= 0) {
    plan.fds.push_back({fds.output, STDOUT_FILENO});
    plan.fds.push_back({fds.output, STDERR_FILENO});
  }
  pass(fds.config, "config-fd", "");
  pass(fds.lifeline, "lifeline-fd", "");
  pass(fds.handoff, "handoff-fd", "");
  pass(fds.scoreboard, "scoreboard-fd", "");
  for (const auto& [socket, address] : fds.sockets)
    pass(socket, "socket-fd", ":" + address);
}

}  // namespace

base::Result<SpawnPlan> make_spawn_plan(const VassalConfig& config,
                                        const SpawnFacts& facts,
                                        const VassalFds& fds) {
  SpawnPlan plan;
  TRY_ASSIGN(plan.identity, identity_for(config, facts));
  plan.program = facts.program;
  plan.argv = {facts.program, "--name=" + facts.name};
  plan.env = environment(facts);
  add_descriptors(fds, plan);
  plan.parent = facts.parent;
  plan.rlimits = rlimits_for(config);
  plan.nice = config.nice;
  plan.umask = config.umask;
  plan.oom_score_adj = kStartingOomScoreAdj;
  return plan;
}

SpawnFacts spawn_facts_for(const VassalConfig& config,
                           std::string program,
                           std::string name) {
  SpawnFacts facts;
  facts.program = std::move(program);
  facts.name = std::move(name);
  facts.our_uid = ::geteuid();
  facts.our_gid = ::getegid();
  facts.user = look_up_user(config.uid.value_or(facts.our_uid),
                            config.gid ? &*config.gid : nullptr);
  return facts;
}

}  // namespace vassal
