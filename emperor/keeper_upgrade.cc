// Another emperor in the place of the one that runs: it reads a copy of the state and
// says whether it could go on; only then does the old one leave. Until that moment
// nothing that the new one does, or fails to do, changes anything.
#include <unistd.h>

#include "base/files.h"
#include "base/wire/keeper.h"
#include "emperor/keeper.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::keeper;

namespace {

/// Leaving is writing down what is known; who takes longer is ended, as a crash would.
constexpr auto kLeaveTime = 5s;

}  // namespace

void Keeper::upgrade(Binary binary) {
  if (!emperor_ || stop_wanted_ || shutting_down_) return;
  if (stage_ != Stage::none) {
    emperor_->tell(verbs::kUpgradeFailed, "an upgrade is under way");
    return;
  }
  replace_routers_ = binary == Binary::installed;
  auto seat = start(Heritage::Role::candidate, binary);
  if (!seat) {
    upgrade_failed(seat.error().message());
    return;
  }
  candidate_ = *std::move(seat);
  stage_ = Stage::rehearsing;
  stage_until_ = base::Deadline::in(setup_.upgrade_timeout);
  log_.info("keeper: another emperor reads the state pid={} program={}",
            candidate_->pid(),
            binary == Binary::installed ? setup_.heritage.installed : "the same");
}

void Keeper::upgrade_failed(const std::string& reason) {
  log_.error("keeper: no other emperor, nothing has changed reason=\"{}\"", reason);
  if (candidate_) candidate_->kill();
  candidate_.reset();
  // An emperor that was told to leave does so; then it is started again like one that
  // died.
  stage_ = Stage::none;
  if (emperor_) emperor_->tell(verbs::kUpgradeFailed, reason);
}

void Keeper::candidate_can() {
  if (stage_ != Stage::rehearsing || !emperor_ || !candidate_) return;
  stage_ = Stage::leaving;
  stage_until_ = base::Deadline::in(kLeaveTime);
  emperor_->tell(verbs::kLeave, std::to_string(candidate_->pid()));
}

void Keeper::candidate_becomes_emperor() {
  if (!candidate_) return;
  former_ = std::move(emperor_);
  emperor_.emplace(*std::move(candidate_));
  candidate_.reset();
  stage_ = Stage::settling;
  stage_until_ = base::Deadline::in(setup_.upgrade_timeout);
  started_ = heard_ = base::Clock::now();
  up_ = false;
  (void)base::write_file(path("emperor.pid"), std::to_string(emperor_->pid()) + "\n");
  emperor_->tell(verbs::kGo, {}, replace_routers_ ? 1 : 0);
}

void Keeper::stage_is_late() {
  switch (stage_) {
    case Stage::none:
      return;
    case Stage::rehearsing:
      upgrade_failed("the new emperor said nothing within " +
                     std::to_string(setup_.upgrade_timeout.count()) + " s");
      return;
    case Stage::leaving:
    case Stage::settling:
      // Whoever it is that hangs: its end goes on with the upgrade, or starts the old
      // one.
      stage_until_ = base::Deadline::in(kLeaveTime);
      if (emperor_) emperor_->kill();
      return;
  }
}

}  // namespace emperor
