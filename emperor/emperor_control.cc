// The emperor's answers to emperorctl.
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/files.h"
#include "emperor/emperor.h"
#include "emperor/log_files.h"
#include "emperor/views.h"
#include "vassal/explain.h"
#include "vassal/settings_codec.h"

namespace emperor {

uvx::Task<base::Result<std::string>> Emperor::answer(ControlRequest request) {
  const std::string& command = request.command;
  if (command == "ls") co_return list_json(roster_, claims_);
  if (command == "routes") co_return routes_json(roster_, claims_);
  if (command == "upgrade") co_return co_await upgrade();
  if (command == "status") co_return status_json(roster_.size(), keeper_.pid());
  if (command == "shutdown") {
    begin_shutdown("emperorctl shutdown");
    co_return pair_json("keeper", static_cast<uint64_t>(keeper_.pid()));
  }
  if (command == "reload" && request.name.empty()) {
    reload_all();
    co_return pair_json("reloading", roster_.size());
  }
  Vassal* vassal = roster_.find(request.name);
  if (vassal == nullptr) vassal = vassal_of(request.name);
  if (vassal == nullptr)
    co_return base::fail("no vassal '" + base::printable(request.name) + "'");
  if (command == "show") co_return show_json(*vassal, claims_);
  if (command == "explain") co_return explain(*vassal);
  if (command == "logs") co_return pair_json("path", log_path(*vassal));
  if (stopping_) co_return base::fail("the emperor is shutting down");
  if (command == "reload") co_return change(*vassal, Event::reload);
  if (command == "start") co_return change(*vassal, Event::start);
  if (command == "stop") co_return change(*vassal, Event::stop);
  co_return base::fail("unknown command '" + base::printable(command) + "'");
}

base::Result<std::string> Emperor::change(Vassal& vassal, Event event) {
  if (event != Event::stop) {
    if (!vassal.configuration)
      return base::fail(vassal.name + " is rejected: " + vassal.file_error);
    vassal.last_error = vassal.file_error;
  }
  const std::string name = vassal.name;
  happen(vassal, event);
  const Vassal* now = roster_.find(name);
  return pair_json("state",
                   std::string(now == nullptr ? "gone" : name_of(now->life.state())));
}

base::Result<std::string> Emperor::explain(const Vassal& vassal) const {
  if (!vassal.configuration)
    return base::fail(vassal.name + " is rejected: " + vassal.file_error);
  TRY_ASSIGN(const auto layers, vassal::decode_layers(vassal.configuration->encoded));
  return explained_json(vassal::explain(layers));
}

std::string Emperor::log_path(const Vassal& vassal) const {
  if (vassal.configuration && !vassal.configuration->config.logto.empty())
    return vassal.configuration->config.logto;
  return logger_.own_path(vassal.name);
}

/// Its log is known to the logger, whether it runs or not.
base::Result<> Emperor::keep_log(Vassal& vassal) {
  static const vassal::VassalConfig nothing;
  const auto& config = vassal.configuration ? vassal.configuration->config : nothing;
  TRY_ASSIGN(const auto identity, launcher_.identity_of(config));
  return logger_.keep(vassal.name, vassal.id, config, identity);
}

/// The logger answers who wants lines: it has the file open, and follows over rotation.
bool Emperor::show_log(const ControlRequest& request, int client) {
  if (request.command != "logs" || !request.lines) return false;
  Vassal* vassal = roster_.find(request.name);
  if (vassal == nullptr) vassal = vassal_of(request.name);
  if (vassal == nullptr) return false;
  if (!logger_.has(vassal->name) && !keep_log(*vassal)) return false;
  logger_.read(vassal->name, client, *request.lines, request.follow);
  return true;
}

/// Soon, once for all that go together.
void Emperor::remove_logs_later() {
  if (!std::exchange(removes_logs_, true))
    set_alarm(base::Clock::now() + std::chrono::seconds(1), {Alarm::Kind::old_logs, {}});
}

/// Whoever makes vassals under ever new names does not fill the disk with their logs.
void Emperor::remove_logs() {
  constexpr size_t kMostOld = 100;
  removes_logs_ = false;
  const auto directory = std::filesystem::path(logger_.own_path("x")).parent_path();
  std::set<std::string> in_use;
  for (const auto& [name, vassal] : roster_.all())
    in_use.insert(std::filesystem::path(logger_.own_path(name)).filename());
  remove_old_logs(directory, in_use, kMostOld);
}

}  // namespace emperor
