#include "vassal/command_plan.h"

#include <unistd.h>

#include <algorithm>

#include "base/wire/emperor_byte.h"

namespace vassal {

namespace {

constexpr int kFirst = 3;

/// Names are separated by colons, so they may not hold one.
std::string joined_names(const std::vector<ListenerName>& listeners) {
  std::string names;
  for (const auto& [fd, address] : listeners) {
    std::string name = address.substr(0, 255);
    std::ranges::replace(name, ':', '_');
    names += (names.empty() ? "" : ":") + (name.empty() ? "unknown" : name);
  }
  return names;
}

}  // namespace

CommandPlan plan_command(const VassalConfig& config,
                         const std::vector<ListenerName>& listeners,
                         int line,
                         const std::string& notify) {
  CommandPlan plan;
  plan.argv = {"/bin/sh", "-c", "exec " + config.command};
  plan.unenv = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
                wire::emperor_byte::kVariable};
  if (!listeners.empty()) plan.fds.push_back({listeners.front().first, STDIN_FILENO});
  auto passed = listeners;
  if (config.command_type == CommandType::uwsgi && !passed.empty())
    passed.erase(passed.begin());
  int next = kFirst;
  for (const auto& [fd, address] : passed)
    plan.fds.push_back({fd, next++});
  if (!passed.empty()) {
    plan.env.emplace_back("LISTEN_FDS", std::to_string(passed.size()));
    plan.env.emplace_back("LISTEN_FDNAMES", joined_names(passed));
  }
  if (line >= 0) {
    plan.env.emplace_back(wire::emperor_byte::kVariable, std::to_string(next));
    plan.fds.push_back({line, next++});
  }
  if (!notify.empty()) plan.env.emplace_back("NOTIFY_SOCKET", notify);
  return plan;
}

bool looks_like_uwsgi(std::string_view command) {
  command.remove_prefix(std::min(command.find_first_not_of(" \t"), command.size()));
  command = command.substr(0, command.find_first_of(" \t"));
  if (const size_t slash = command.rfind('/'); slash != command.npos)
    command.remove_prefix(slash + 1);
  return command.starts_with("uwsgi");
}

}  // namespace vassal
