#include "emperor/spawn_router.h"

#include <unistd.h>

#include "vassal/ids.h"
#include "vassal/spawn.h"

namespace emperor {

namespace {

constexpr int kControlFd = 3;

}  // namespace

base::Result<std::optional<vassal::Identity>> helper_identity(const std::string& user,
                                                              const std::string& group) {
  if (::geteuid() != 0) return std::nullopt;
  vassal::Identity identity;
  TRY_ASSIGN(identity.uid, vassal::user_id(user));
  TRY_ASSIGN(identity.gid, vassal::group_id(group));
  return identity;
}

base::Result<base::Pidfd> spawn_router(const RouterSpawn& spawn) {
  vassal::SpawnPlan plan;
  plan.program = spawn.program;
  plan.argv = {"fastrouter", "--control-fd=" + std::to_string(kControlFd)};
  plan.argv.insert(plan.argv.end(), spawn.arguments.begin(), spawn.arguments.end());
  plan.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  plan.fds = {{STDERR_FILENO, STDOUT_FILENO},
              {STDERR_FILENO, STDERR_FILENO},
              {spawn.control, kControlFd}};
  plan.parent = vassal::Parent::ours;
  TRY_ASSIGN(plan.identity, helper_identity(spawn.user, spawn.group));
  TRY_ASSIGN(auto spawned, vassal::spawn(plan, nullptr));
  return std::move(spawned.process);
}

}  // namespace emperor
