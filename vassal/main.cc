// vassal: serves one customer's application. Started by the emperor, already confined, or
// alone by `vassal --ini FILE`. Links no interpreter: that is a shared object, opened
// when it is needed.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "vassal/announcer.h"
#include "vassal/command.h"
#include "vassal/hooks.h"
#include "vassal/journal.h"
#include "vassal/master.h"
#include "vassal/startup.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int complain(vassal::Lifeline& lifeline, const base::Error& error, int code) {
  vassal::say(vassal::Level::error, error.message());
  lifeline.failed(error.message());
  return code;
}

/// Everything in front of the application. The operator's hooks may ask for whom.
base::Result<> run_early_hooks(const vassal::CommandLine& line,
                               const vassal::VassalConfig& config) {
  constexpr char kVariable[] = "UWSGI_VASSAL";
  if (config.hooks.empty()) return {};
  ::setenv(kVariable, line.name.empty() ? line.ini.c_str() : line.name.c_str(), 1);
  using enum vassal::HookPhase;
  for (const auto phase : {as_vassal, as_user, pre_app})
    TRY(vassal::run_hooks(config, phase));
  ::unsetenv(kVariable);
  return {};
}

int serve(vassal::CommandLine& line, vassal::Lifeline& lifeline) {
  const auto config = vassal::read_config(line);
  if (!config) return complain(lifeline, config.error(), kUsage);
  line.config.reset();  // nothing of ours stays open for the application to find
  if (config->threads == 1) ::mallopt(M_ARENA_MAX, 1);
  if (!line.ini.empty()) {
    if (const auto bound = vassal::bind_sockets(*config, line); !bound)
      return complain(lifeline, bound.error(), kFailed);
    if (const auto user = vassal::become_user(*config); !user)
      return complain(lifeline, user.error(), kFailed);
  }
  if (const auto settled = vassal::settle_process(*config); !settled)
    return complain(lifeline, settled.error(), kFailed);
  if (const auto ran = run_early_hooks(line, *config); !ran)
    return complain(lifeline, ran.error(), kFailed);

  auto board = vassal::ScoreboardMap::open(line.scoreboard, config->processes);
  if (!board) return complain(lifeline, board.error(), kFailed);
  line.scoreboard.reset();
  lifeline.note_ready_in(board->board().ready);
  std::vector<vassal::ListenerName> listeners;
  listeners.reserve(line.sockets.size());
  for (const auto& [fd, text] : line.sockets)
    listeners.emplace_back(fd.get(), text);
  const std::string runtimes = vassal::runtimes_directory(line);
  vassal::Announcer announcer(*config, listeners, runtimes);
  if (config->runtime == "command")
    return vassal::Command(*config, std::move(listeners), lifeline, announcer).run();
  vassal::Sockets sockets{.handoff = line.handoff.get(), .listeners = {}};
  for (const auto& [fd, text] : line.sockets) {
    vassal::prepare_listener(fd.get());
    sockets.listeners.push_back(fd.get());
  }
  const auto runtime = vassal::open_runtime(*config, runtimes);
  if (!runtime) return complain(lifeline, runtime.error(), kFailed);
  return vassal::Master(*config, std::move(sockets), *runtime, *board, lifeline,
                        announcer)
      .run();
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  auto line = vassal::parse_command_line(argc, argv);
  if (!line) {
    std::fprintf(stderr, "vassal: %s\n", line.error().message().c_str());
    return kUsage;
  }
  if (line->help || line->version) {
    const std::string text =
        line->help ? vassal::usage() : "vassal " IMPERIUM_VERSION "\n";
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  // At once: an interpreter that loaded an application is not taken apart again.
  vassal::Lifeline lifeline(std::move(line->lifeline), line->speech);
  int code = serve(*line, lifeline);
  if (code == vassal::kRunAgain)
    code = complain(lifeline, vassal::run_again(*line, argv), kFailed);
  vassal::unlink_sockets(*line);
  ::_exit(code);
}
