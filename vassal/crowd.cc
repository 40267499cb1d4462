#include "vassal/crowd.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

namespace vassal {

namespace {

/// So many connections are taken at a time: a neighbour that was woken, too, gets its
/// share.
constexpr int kMostAtOnce = 8;
/// Below are the numbers of descriptors, for the worker's calls.
constexpr uint64_t kFirstId = uint64_t{1} << 32;

}  // namespace

base::Result<std::unique_ptr<Crowd>> Crowd::open(const Bench& bench,
                                                 Intake& intake,
                                                 CrowdHost& host,
                                                 std::span<const int> calls,
                                                 std::atomic<uint64_t>& pulse) {
  std::unique_ptr<Crowd> crowd(new Crowd(bench, intake, host, pulse));
  if (!crowd->epoll_) return base::fail_errno("epoll_create1");
  crowd->calls_.assign(calls.begin(), calls.end());
  for (const int fd : calls) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(fd);
    if (::epoll_ctl(crowd->epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      return base::fail_errno("epoll_ctl");
  }
  return crowd;
}

Crowd::Crowd(const Bench& bench,
             Intake& intake,
             CrowdHost& host,
             std::atomic<uint64_t>& pulse)
    : bench_(bench),
      intake_(intake),
      host_(host),
      pulse_(pulse),
      buffer_(new char[kArrivalBuffer]),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      last_id_(kFirstId),
      log_(bench.config) {}

// ---- arrivals

bool Crowd::full() const {
  return visits_.size() >= bench_.config.asgi_connections;
}

void Crowd::look() {
  gone_.clear();
  if (host_.leaving()) return look_a_last_time();
  intake_.look();
  for (int i = 0; i < kMostAtOnce && !full(); ++i) {
    auto arrival = intake_.try_take({buffer_.get(), kArrivalBuffer});
    if (!arrival) break;
    admit(std::move(*arrival));
  }
  if (intake_.error() != 0) host_.cannot_take(intake_.error());
}

void Crowd::admit(Arrival arrival) {
  const uint64_t id = ++last_id_;
  VisitKeeper& keeper = *this;
  auto& visit =
      *visits_.emplace(id, std::make_unique<OpenVisit>(bench_, keeper, id)).first->second;
  const std::string_view bytes(buffer_.get() + wire::kHandoffHeader, arrival.size);
  if (!visit.open(std::move(arrival), bytes)) forget(visit);
}

/// Whoever went meanwhile is passed over.
Visit* Crowd::next_of(std::deque<uint64_t>& ids) {
  while (!ids.empty()) {
    OpenVisit* const visit = find(ids.front());
    ids.pop_front();
    if (visit != nullptr && !visit->released()) return visit;
  }
  return nullptr;
}

/// The last wake-up may have been meant for a connection that is still there.
void Crowd::look_a_last_time() {
  if (std::exchange(closed_, true)) return;
  for (const int call : calls_)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, call, nullptr);
  if (auto arrival = intake_.take_last({buffer_.get(), kArrivalBuffer}))
    admit(std::move(*arrival));
}

// ---- changes

void Crowd::heed() {
  gone_.clear();
  std::array<epoll_event, 64> events;
  bool called = false;
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
  for (int i = 0; i < n; ++i) {
    // The kernel packs its structure: no reference into it.
    const uint32_t happened = events[static_cast<size_t>(i)].events;
    const uint64_t id = events[static_cast<size_t>(i)].data.u64;
    if (id < kFirstId) {
      host_.heed_call(static_cast<int>(id));
      called = true;
    } else if (OpenVisit* const visit = find(id); visit && visit->on_events(happened)) {
      changed_.push_back(id);
    }
  }
  // A poke: the wake-up for what waits may have died with another worker.
  if (called || host_.leaving()) look();
}

void Crowd::tick() {
  gone_.clear();
  const base::Instant now = base::Clock::now();
  std::vector<uint64_t> ids;
  ids.reserve(visits_.size());
  for (const auto& [id, visit] : visits_)
    ids.push_back(id);
  for (const uint64_t id : ids)
    if (OpenVisit* const visit = find(id); visit != nullptr && visit->on_time(now))
      changed_.push_back(id);
  log_.flush();
  host_.turned();
}

OpenVisit* Crowd::find(uint64_t id) {
  const auto known = visits_.find(id);
  return known == visits_.end() ? nullptr : known->second.get();
}

// ---- what visits ask for

/// One event at a time: what nobody waits for is not told, a hang-up neither.
void Crowd::arm(OpenVisit& visit) {
  const OpenVisit::Interest wish = visit.interest();
  if (!wish.any) return;  // the last event took it out
  epoll_event event{};
  event.events = wish.events | EPOLLONESHOT;
  event.data.u64 = visit.id();
  const int how = visit.known_to_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  visit.known_to_epoll =
      ::epoll_ctl(epoll_.get(), how, visit.serving().fd(), &event) == 0;
}

void Crowd::begun(OpenVisit& visit) {
  under_way_.emplace(visit.at_work_since(), visit.id());
  set_pulse();
  visit.serving().begin(visit.began_ns());
  arrived_.push_back(visit.id());
}

void Crowd::ended(OpenVisit& visit) {
  visit.serving().end(visit.began_ns(), log_);
  host_.served();
}

void Crowd::at_work(OpenVisit& visit, uint64_t since_ns) {
  under_way_.erase({visit.at_work_since(), visit.id()});
  if (since_ns != 0) under_way_.emplace(since_ns, visit.id());
  set_pulse();
  if (since_ns != 0) wake_master(bench_);
}

void Crowd::set_pulse() {
  pulse_.store(under_way_.empty() ? 0 : under_way_.begin()->first,
               std::memory_order_seq_cst);
}

/// It may be what is at work right now: it lives until the next turn.
void Crowd::forget(OpenVisit& visit) {
  const auto known = visits_.find(visit.id());
  if (known == visits_.end()) return;
  visit.serving().connection().close();
  gone_.push_back(std::move(known->second));
  visits_.erase(known);
}

}  // namespace vassal
