#include "emperor/spawn_router.h"

#include <unistd.h>

#include <charconv>

#include "vassal/config.h"
#include "vassal/spawn.h"

namespace emperor {

namespace {

constexpr int kControlFd = 3;

/// The name's number, or the number it is.
template <class Id, class LookUp>
base::Result<Id> id_of(const std::string& text, LookUp look_up) {
  Id id = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, id);
      error == std::errc{} && at == end)
    return id;
  if (const auto found = look_up(text)) return *found;
  return base::fail("unknown user or group '" + text + "'");
}

}  // namespace

base::Result<std::optional<vassal::Identity>> helper_identity(const std::string& user,
                                                              const std::string& group) {
  if (::geteuid() != 0) return std::nullopt;
  const auto& names = vassal::system_names();
  vassal::Identity identity;
  TRY_ASSIGN(identity.uid,
             id_of<uid_t>(user, [&](const auto& n) { return names.uid_of(n); }));
  TRY_ASSIGN(identity.gid,
             id_of<gid_t>(group, [&](const auto& n) { return names.gid_of(n); }));
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
