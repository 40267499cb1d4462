// The emperor's end: who serves finishes, who does not end is killed, everything is
// closed.
#include <signal.h>
#include <unistd.h>

#include "base/files.h"
#include "emperor/emperor.h"

namespace emperor {

using namespace std::chrono_literals;

void Emperor::begin_shutdown(const std::string& why) {
  if (stopping_) return;
  stopping_ = true;
  keeper_.stopping();
  log_.info("emperor: shuts down reason=\"{}\" vassals={}", why, roster_.size());
  stop_.set();
}

uvx::Task<void> Emperor::shut_down() {
  for (const auto& source : sources_)
    source->close();
  rescan_wake_.close();
  // The router first: what it has accepted still finds its vassal.
  co_await router_.stop(base::Deadline::in(5s));
  retire_everybody();
  const auto deadline = base::Deadline::in(options_.shutdown_mercy);
  std::optional<base::Instant> killed;
  while (roster_.size() > 0) {
    co_await changed_.wait(killed ? base::Deadline::in(1s) : deadline);
    if (!killed && !deadline.passed()) continue;
    if (!killed) {
      killed = base::Clock::now();
      log_.warn("emperor: kills what is left after shutdown-mercy vassals={}",
                roster_.size());
    }
    kill_everybody();
    if (give_up(*killed)) break;
  }
  co_await logger_.stop(base::Deadline::in(5s));
  save_claims();
  keeper_.shutting_down();
  // Unheard, this end would look like a death, and everybody would be started again.
  co_await keeper_.flush(base::Deadline::in(10s));
}

void Emperor::kill_everybody() {
  for (const auto& [name, vassal] : roster_.all()) {
    std::vector<uint64_t> numbers;
    for (const auto& [number, generation] : vassal->generations)
      numbers.push_back(number);
    for (const uint64_t number : numbers)
      launcher_.kill(*vassal, number);
  }
}

/// A process that hangs in the kernel ends when the kernel lets go of it, and nobody here
/// can help: it is named, and left in its cgroup.
bool Emperor::give_up(base::Instant since_kill) {
  if (base::Clock::now() - since_kill < options_.kill_patience) return false;
  for (const auto& [name, vassal] : roster_.all()) {
    log_.error("vassal {}: cannot be killed, left behind cgroup={}", name,
               vassal->group.text());
    launcher_.let_go(*vassal);
  }
  return true;
}

void Emperor::retire_everybody() {
  std::vector<std::string> names;
  for (const auto& [name, vassal] : roster_.all())
    names.push_back(name);
  for (const auto& name : names)
    if (Vassal* vassal = roster_.find(name)) happen(*vassal, Event::removed);
}

void Emperor::close_everything() {
  router_.close();
  if (started_) ::unlink(options_.control.c_str());
  door_.close();
  keeper_wake_.close();
  upgrade_.wake.close();
  for (const auto& source : sources_)
    source->close();
  rescan_wake_.close();
  alarm_wake_.close();
  doorbell_.close();
  control_.close();
  stats_.close();
  metrics_.close();
  const auto pid = std::to_string(::getpid()) + "\n";
  if (!options_.pidfile.empty() && base::read_file(options_.pidfile, 64) == pid)
    ::unlink(options_.pidfile.c_str());
  keeper_.close();
  term_.close();
  interrupt_.close();
  hangup_.close();
  user2_.close();
}

}  // namespace emperor
