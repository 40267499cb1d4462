// Crowd: all visits of a worker whose application serves many at once.
//
// Takes connections from the intake as long as there is room, keeps their machines going
// by one epoll of its own, and tells the runtime what is new and what changed. Runs in
// the runtime's event loop: nothing here waits.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "vassal/open_visit.h"

namespace vassal {

/// What the crowd asks of the worker.
class CrowdHost {
 public:
  virtual ~CrowdHost() = default;
  /// One of its calls is readable.
  virtual void heed_call(int fd) = 0;
  virtual bool leaving() const = 0;
  virtual void served() = 0;
  /// About once a second while there are visits: nothing holds up the event loop.
  virtual void turned() = 0;
  /// Connections cannot be taken any more.
  virtual void cannot_take(int error) = 0;
};

class Crowd final : public Visits, private VisitKeeper {
 public:
  /// `calls`: descriptors of the worker's own that end a wait. `pulse`: when the oldest
  /// request at hand began, in nanoseconds; 0 without one.
  static base::Result<std::unique_ptr<Crowd>> open(const Bench& bench,
                                                   Intake& intake,
                                                   CrowdHost& host,
                                                   std::span<const int> calls,
                                                   std::atomic<uint64_t>& pulse);

  int arrivals_fd() const override { return intake_.fd(); }
  int changes_fd() const override { return epoll_.get(); }
  void look() override;
  void heed() override;
  Visit* next_arrived() override { return next_of(arrived_); }
  Visit* next_changed() override { return next_of(changed_); }
  void tick() override;
  void flush_log() override { log_.flush(); }
  size_t count() const override { return visits_.size(); }
  bool full() const override;
  bool leaving() const override { return host_.leaving(); }

 private:
  Crowd(const Bench& bench,
        Intake& intake,
        CrowdHost& host,
        std::atomic<uint64_t>& pulse);

  void admit(Arrival arrival);
  void look_a_last_time();
  OpenVisit* find(uint64_t id);
  Visit* next_of(std::deque<uint64_t>& ids);
  void set_pulse();

  void arm(OpenVisit& visit) override;
  void begun(OpenVisit& visit) override;
  void ended(OpenVisit& visit) override;
  void at_work(OpenVisit& visit, uint64_t since_ns) override;
  void forget(OpenVisit& visit) override;

  const Bench& bench_;
  Intake& intake_;
  CrowdHost& host_;
  std::atomic<uint64_t>& pulse_;
  std::unique_ptr<char[]> buffer_;
  base::Fd epoll_;
  std::vector<int> calls_;
  std::map<uint64_t, std::unique_ptr<OpenVisit>> visits_;
  std::vector<std::unique_ptr<OpenVisit>> gone_;       // destroyed when nobody uses them
  std::set<std::pair<uint64_t, uint64_t>> under_way_;  // at work since, and id
  std::deque<uint64_t> arrived_;
  std::deque<uint64_t> changed_;
  uint64_t last_id_;
  RequestLog log_;
  bool closed_ = false;  // takes nothing any more
};

}  // namespace vassal
