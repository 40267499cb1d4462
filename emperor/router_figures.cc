// What the routers have counted, added up.
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/wire/router_control.h"
#include "emperor/router_link.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::router_control;

namespace {

constexpr base::Duration kPatience = 300ms;
/// Of routers that are gone; beyond, hosts are counted as one.
constexpr size_t kMostHosts = 10'000;
constexpr char kOtherHosts[] = "(other)";
constexpr size_t kMostKept = 64 << 20;

void fold(wire::Tallies& hosts) {
  while (hosts.size() > kMostHosts) {
    const auto last = std::prev(hosts.end());
    hosts[kOtherHosts].add(last->second);
    hosts.erase(last);
  }
}

}  // namespace

uvx::Task<void> RouterLink::gather() {
  for (const Process* process : everybody()) {
    if (!process->connection || !process->may_be_up()) continue;
    process->connection->asked = true;
    process->connection->channel->send({verbs::kAskFigures, {}});
  }
  const auto deadline = base::Deadline::in(kPatience);
  const auto waiting = [this] {
    return std::ranges::any_of(everybody(), [](const Process* p) {
      return p->connection && p->connection->asked;
    });
  };
  while (waiting() && !deadline.passed())
    static_cast<void>(co_await gathered_.wait(deadline));
}

void RouterLink::ask_others(const Connection& asker, const wire::Message& question) {
  const auto serial = question.number("serial");
  const auto all = everybody();
  const auto self = std::ranges::find_if(
      all, [&](const Process* p) { return p->connection.get() == &asker; });
  if (!serial || self == all.end()) return;
  wire::Message forwarded{verbs::kAskFigures, {}};
  forwarded.set("serial", *serial).set("asker", static_cast<uint64_t>((*self)->pid));
  uint64_t count = 0;
  for (const Process* process : all) {
    if (process == *self || !process->connection || !process->may_be_up()) continue;
    process->connection->channel->send(forwarded);
    ++count;
  }
  wire::Message asked{verbs::kAsked, {}};
  asker.channel->send(asked.set("serial", *serial).set("count", count));
}

void RouterLink::on_figures(Connection& connection, const wire::Message& message) {
  if (const auto asker = message.number("asker")) {
    const Process* process = find(static_cast<pid_t>(*asker));
    if (process != nullptr && process->connection)
      process->connection->channel->send(message);
    return;
  }
  // Each picture begins with this; a question may come while another is answered.
  if (message.number("sessions")) connection.incoming = {};
  switch (wire::hear(message, &connection.incoming)) {
    case wire::Heard::more:
      return;
    case wire::Heard::garbage:
      s_.log.warn("router: figures that are none");
      break;
    case wire::Heard::last:
      connection.figures = std::move(connection.incoming);
      break;
  }
  connection.incoming = {};
  connection.asked = false;
  gathered_.set();
}

void RouterLink::keep_figures(const Connection& connection) {
  wire::RouterFigures last = connection.figures;
  last.sessions = 0;
  last.parked.clear();
  last.nodes.clear();
  last.hits.clear();
  // They were under way when it was removed.
  std::erase_if(last.vassals, [this](const auto& entry) {
    return s_.roster.find_id(entry.first) == nullptr;
  });
  gone_.add(last);
  fold(gone_.hosts);
  if (stopping_) return;
  auto memfd = base::make_memfd(kGoneHeldAs);
  if (memfd && base::write_all(memfd->get(), wire::to_bytes(gone_)))
    s_.keeper.hold(kGoneHeldAs, memfd->get());
}

void RouterLink::take_figures(Held* held) {
  const auto kept = held->extract(kGoneHeldAs);
  if (kept.empty() || ::lseek(kept.mapped().get(), 0, SEEK_SET) != 0) return;
  if (const auto bytes = base::read_fd(kept.mapped().get(), kMostKept))
    gone_ = wire::figures_of_bytes(*bytes);
}

wire::RouterFigures RouterLink::figures() const {
  wire::RouterFigures sum = gone_;
  for (const Process* process : everybody())
    if (process->connection) sum.add(process->connection->figures);
  for (const auto& connection : ending_)
    sum.add(connection->figures);
  return sum;
}

}  // namespace emperor
