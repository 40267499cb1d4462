#include "emperor/snapshot.h"

#include <algorithm>

#include "vassal/settings_codec.h"

namespace emperor {

namespace {

constexpr uint64_t kVersion = 3;

// A number that may be absent travels one higher.
uint64_t from_optional(const std::optional<uint64_t>& n) {
  return n ? *n + 1 : 0;
}
std::optional<uint64_t> to_optional(uint64_t n) {
  return n == 0 ? std::nullopt : std::optional<uint64_t>(n - 1);
}

void encode_life(vassal::Encoder& e, const LifeSummary& life) {
  e.number(static_cast<uint64_t>(life.state));
  e.number(life.newest);
  e.number(from_optional(life.current));
  e.number(from_optional(life.next));
  e.number(life.leaving.size());
  for (const uint64_t number : life.leaving)
    e.number(number);
  e.number(life.restarts);
  e.number(life.removed ? 1 : 0);
  e.number(life.stopped ? 1 : 0);
  e.number(life.failures);
  e.number(life.rests ? 1 : 0);
  e.number(base::to_wire(life.due_at));
}

void encode_death(vassal::Encoder& e, const Death& death) {
  e.number(static_cast<uint64_t>(death.at));
  e.number(death.generation);
  e.number(static_cast<uint64_t>(death.kind));
  e.text(death.reason);
  e.text(death.log);
}

Death decode_death(vassal::Decoder& d) {
  Death death;
  death.at = static_cast<int64_t>(d.number());
  death.generation = d.number();
  death.kind = static_cast<DeathKind>(d.number_up_to(kDeathKinds - 1));
  death.reason = d.text();
  death.log = d.text();
  return death;
}

LifeSummary decode_life(vassal::Decoder& d) {
  LifeSummary life;
  life.state = static_cast<State>(d.number_up_to(kStates - 1));
  life.newest = d.number();
  life.current = to_optional(d.number());
  life.next = to_optional(d.number());
  for (size_t n = d.count(); n > 0; --n)
    life.leaving.insert(d.number());
  life.restarts = d.number();
  life.removed = d.number() != 0;
  life.stopped = d.number() != 0;
  life.failures = static_cast<unsigned>(d.number_up_to(UINT32_MAX));
  life.rests = d.number() != 0;
  life.due_at = base::from_wire(d.number());
  return life;
}

}  // namespace

Snapshot take_snapshot(const Vassal& vassal, const Known& file) {
  Snapshot s;
  s.name = vassal.name;
  s.id = vassal.id;
  s.path = vassal.path;
  s.file_name = file.name;
  s.source = vassal.source;
  s.identity = file.identity;
  s.life = vassal.life.summary();
  s.file_error = vassal.file_error;
  s.last_error = vassal.last_error;
  s.requests_before = vassal.before.finished;
  s.oom_kills = vassal.oom_kills;
  s.deaths.assign(vassal.history.deaths().begin(), vassal.history.deaths().end());
  for (const auto& [text, socket] : vassal.sockets)
    s.sockets.push_back({text, socket.path, socket.device, socket.inode});
  std::vector<const Configuration*> known;
  const auto index_of = [&](const std::shared_ptr<const Configuration>& configuration) {
    const auto found = std::ranges::find(known, configuration.get());
    if (found != known.end()) return static_cast<uint64_t>(found - known.begin());
    known.push_back(configuration.get());
    s.configurations.push_back(configuration->encoded);
    return static_cast<uint64_t>(known.size() - 1);
  };
  if (vassal.configuration) index_of(vassal.configuration);
  for (const auto& [number, g] : vassal.generations) {
    const uint64_t pid = g->pidfd ? static_cast<uint64_t>(g->pidfd.pid()) : 0;
    s.generations.push_back({number, pid, g->ready, g->over, index_of(g->configuration)});
  }
  return s;
}

std::string encode_snapshot(const Snapshot& s) {
  vassal::Encoder e;
  e.number(kVersion);
  e.text(s.name);
  e.number(s.id);
  e.text(s.path);
  e.text(s.file_name);
  e.number(s.source);
  for (const uint64_t n :
       {s.identity.device, s.identity.inode, static_cast<uint64_t>(s.identity.size),
        static_cast<uint64_t>(s.identity.mtime_ns),
        static_cast<uint64_t>(s.identity.ctime_ns)})
    e.number(n);
  e.number(s.rules);
  encode_life(e, s.life);
  e.text(s.file_error);
  e.text(s.last_error);
  e.number(s.requests_before);
  e.number(s.oom_kills);
  e.number(s.deaths.size());
  for (const auto& death : s.deaths)
    encode_death(e, death);
  e.number(s.sockets.size());
  for (const auto& socket : s.sockets) {
    e.text(socket.text);
    e.text(socket.path);
    e.number(socket.device);
    e.number(socket.inode);
  }
  e.number(s.generations.size());
  for (const auto& g : s.generations)
    for (const uint64_t n :
         {g.number, g.pid, uint64_t{g.ready}, uint64_t{g.over}, g.configuration})
      e.number(n);
  e.number(s.configurations.size());
  for (const auto& configuration : s.configurations)
    e.text(configuration);
  return e.take();
}

base::Result<Snapshot> decode_snapshot(std::string_view bytes) {
  vassal::Decoder d(bytes);
  if (d.number() != kVersion) return base::fail("a snapshot of another version");
  Snapshot s;
  s.name = d.text();
  s.id = d.number();
  s.path = d.text();
  s.file_name = d.text();
  s.source = d.number();
  s.identity.device = d.number();
  s.identity.inode = d.number();
  s.identity.size = static_cast<int64_t>(d.number());
  s.identity.mtime_ns = static_cast<int64_t>(d.number());
  s.identity.ctime_ns = static_cast<int64_t>(d.number());
  s.rules = d.number();
  s.life = decode_life(d);
  s.file_error = d.text();
  s.last_error = d.text();
  s.requests_before = d.number();
  s.oom_kills = d.number();
  for (size_t n = d.count(); n > 0; --n)
    s.deaths.push_back(decode_death(d));
  for (size_t n = d.count(); n > 0; --n) {
    Snapshot::Socket socket;
    socket.text = d.text();
    socket.path = d.text();
    socket.device = d.number();
    socket.inode = d.number();
    s.sockets.push_back(std::move(socket));
  }
  for (size_t n = d.count(); n > 0; --n) {
    Snapshot::Started g;
    g.number = d.number();
    g.pid = d.number_up_to(INT32_MAX);
    g.ready = d.number() != 0;
    g.over = d.number() != 0;
    g.configuration = d.number();
    s.generations.push_back(g);
  }
  for (size_t n = d.count(); n > 0; --n)
    s.configurations.push_back(d.text());
  for (const auto& g : s.generations)
    if (g.configuration >= s.configurations.size()) d.fail();
  if (!d.finished()) return base::fail("a damaged snapshot");
  return s;
}

}  // namespace emperor
