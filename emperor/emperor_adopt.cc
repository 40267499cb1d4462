// The emperor's inheritance: what an earlier emperor of this keeper left is taken over,
// each piece checked against the kernel. What nobody can account for is ended and
// removed.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "emperor/emperor.h"
#include "vassal/settings_codec.h"

namespace emperor {

namespace {

constexpr off_t kMostSnapshot = 64 << 20;

/// Takes a held descriptor; empty if there is none of that name.
base::Fd take(Held* held, const std::string& name) {
  const auto found = held->find(name);
  if (found == held->end()) return {};
  base::Fd fd = std::move(found->second);
  held->erase(found);
  return fd;
}

}  // namespace

bool Emperor::is_snapshot(const std::string& held_name) {
  return held_name.starts_with("vassal\n");
}

base::Result<Snapshot> Emperor::read_snapshot(const base::Fd& memfd) {
  // Others read the same open file: its position is nobody's.
  struct stat s{};
  if (::fstat(memfd.get(), &s) != 0) return base::fail_errno("snapshot");
  if (s.st_size > kMostSnapshot) return base::fail(EFBIG, "snapshot");
  std::string bytes(static_cast<size_t>(s.st_size), '\0');
  if (::pread(memfd.get(), bytes.data(), bytes.size(), 0) != s.st_size)
    return base::fail_errno("read the snapshot");
  return decode_snapshot(bytes);
}

void Emperor::adopt_everybody(Held* held) {
  const auto began = base::Clock::now();
  std::vector<std::string> names;
  for (const auto& [name, fd] : *held)
    if (is_snapshot(name)) names.push_back(name);
  for (const auto& name : names) {
    const base::Fd memfd = take(held, name);
    if (!memfd) continue;
    if (const auto snapshot = read_snapshot(memfd)) {
      adopt(*snapshot, held);
    } else {
      log_.error("adoption: {}: {}", base::printable(name), snapshot.error().message());
      keeper_.release(name);
    }
  }
  if (!names.empty())
    log_.info("emperor: adopted vassals={} took={}ms", roster_.size(),
              (base::Clock::now() - began) / std::chrono::milliseconds(1));
}

bool Emperor::has_readable_configurations(const Snapshot& snapshot) {
  return std::ranges::all_of(snapshot.configurations, [](const std::string& encoded) {
    return vassal::decode_layers(encoded).has_value();
  });
}

std::shared_ptr<const Configuration> Emperor::decode(const std::string& encoded) const {
  auto configuration = std::make_shared<Configuration>();
  configuration->encoded = encoded;
  if (const auto layers = vassal::decode_layers(encoded)) {
    auto parsed = vassal::make_config(*layers, vassal::system_names());
    configuration->config = std::move(parsed.config);
    configuration->diagnostics = std::move(parsed.diagnostics);
  }
  fit_to_us(&configuration->config);
  return configuration;
}

void Emperor::adopt(const Snapshot& snapshot, Held* held) {
  Vassal& vassal = roster_.add(snapshot.name, snapshot.id);
  vassal.path = snapshot.path;
  vassal.source = snapshot.source;
  vassal.file_error = snapshot.file_error;
  vassal.last_error = snapshot.last_error;
  vassal.before.finished = snapshot.requests_before;
  vassal.oom_kills = snapshot.oom_kills;
  for (const auto& death : snapshot.deaths)
    vassal.history.add(death);
  vassal.life.resume(snapshot.life, base::Clock::now());
  names_[vassal.path] = vassal.name;
  vassal.name_counts = name_counts(vassal.path);
  adopt_file(vassal, snapshot);
  const bool fresh_channel = adopt_channel(vassal, snapshot, held);
  adopt_sockets(vassal, snapshot, held);
  if (auto group = tree_.existing(vassal.name)) {
    vassal.group = *std::move(group);
    vassal.has_group = !vassal.group.text().empty();
  }
  for (const auto& started : snapshot.generations)
    adopt_generation(vassal, snapshot, started, held);
  end_strays(vassal);
  // Whoever runs has the other end of a channel that nobody held.
  const bool runs = std::ranges::any_of(vassal.generations,
                                        [](const auto& g) { return !g.second->over; });
  if (fresh_channel && runs) {
    vassal.reload_asked = true;
    set_alarm(base::Clock::now(), {Alarm::Kind::reload, vassal.name});
  }
  go_on(vassal);
}

/// Where the operator's rules are others now, or what the file said is lost, it is read
/// again; only what it says then counts. So does a file whose vassal was on its way out:
/// the emperor died while it shut everything down.
void Emperor::adopt_file(Vassal& vassal, const Snapshot& snapshot) {
  const bool still_means_the_same =
      snapshot.rules == rules_ && has_readable_configurations(snapshot);
  if (!snapshot.file_name.empty() && !snapshot.life.removed)
    roster_.files[vassal.path] = {
        snapshot.file_name, snapshot.source,
        still_means_the_same ? snapshot.identity : FileIdentity{}};
  if (!snapshot.configurations.empty())
    vassal.configuration = decode(snapshot.configurations.front());
}

/// True if it is another one than before.
bool Emperor::adopt_channel(Vassal& vassal, const Snapshot& snapshot, Held* held) {
  vassal.channel_send = take(held, held_name("channel", vassal.name, "send"));
  vassal.channel_receive = take(held, held_name("channel", vassal.name, "receive"));
  if (vassal.channel_send && vassal.channel_receive) return false;
  vassal.channel_send.reset();
  vassal.channel_receive.reset();
  if (!vassal.configuration || snapshot.life.newest == 0) return false;
  return launcher_.make_channel(vassal).has_value();
}

void Emperor::adopt_sockets(Vassal& vassal, const Snapshot& snapshot, Held* held) {
  for (const auto& socket : snapshot.sockets) {
    base::Fd fd = take(held, held_name("socket", vassal.name, socket.text));
    if (!fd || !vassal.configuration) continue;
    auto identity = launcher_.identity_of(vassal.configuration->config);
    // Nobody knows any more whose it is (its user is gone): the file stays, rather than
    // being removed by root at a path of the tenant's.
    const std::string path = identity ? socket.path : "";
    vassal.sockets[socket.text] = {std::move(fd), path, socket.device, socket.inode,
                                   identity ? *identity : std::nullopt};
  }
}

void Emperor::end_strays(const Vassal& vassal) {
  for (const uint64_t leaf : vassal.group.leaves()) {
    if (vassal.generations.contains(leaf)) continue;
    log_.warn("adoption: vassal {}: ends a generation that nobody knows generation={}",
              vassal.name, leaf);
    auto stray = vassal.group.existing_leaf(leaf);
    (void)stray.kill();
    (void)stray.try_remove();
  }
}

void Emperor::adopt_generation(Vassal& vassal,
                               const Snapshot& snapshot,
                               const Snapshot::Started& started,
                               Held* held) {
  const std::string number = std::to_string(started.number);
  base::Fd pidfd = take(held, held_name("pidfd", vassal.name, number));
  base::Fd lifeline = take(held, held_name("lifeline", vassal.name, number));
  const base::Fd board = take(held, held_name("scoreboard", vassal.name, number));
  const pid_t pid = base::pid_behind(pidfd.get(), static_cast<pid_t>(started.pid));
  if (pid <= 0) return;
  auto generation = std::make_shared<Generation>();
  generation->number = started.number;
  generation->configuration =
      started.configuration == 0 && vassal.configuration
          ? vassal.configuration
          : decode(snapshot.configurations[started.configuration]);
  generation->pidfd = base::Pidfd(pid, std::move(pidfd));
  generation->leaf = vassal.group.existing_leaf(started.number);
  if (board) generation->scoreboard = ScoreboardView::map(board.get());
  generation->ready = started.ready;
  generation->over = started.over;
  launcher_.adopt(vassal, generation, std::move(lifeline));
}

/// What was on its way goes on: a start that was still queued, a wait, a generation that
/// is gone.
void Emperor::go_on(Vassal& vassal) {
  const LifeSummary life = vassal.life.summary();
  const std::string name = vassal.name;
  settle_claims(vassal);
  const auto missing = [&](uint64_t g) {
    return !vassal.generations.contains(g);
  };
  // Who came up while nobody listened, first: another may be gone because of that.
  if (life.next && !missing(*life.next) &&
      launcher_.missed_ready(*vassal.generations.at(*life.next))) {
    launcher_.make_ready(vassal, *life.next);
    return go_on(vassal);
  }
  if (life.state == State::backoff) set_alarm(life.due_at, {Alarm::Kind::due, name});
  settle_sleep(vassal, State::rejected);
  if (life.next && missing(*life.next)) launcher_.start(vassal, *life.next);
  std::vector<uint64_t> gone;
  if (life.current && missing(*life.current)) gone.push_back(*life.current);
  std::ranges::copy_if(life.leaving, std::back_inserter(gone), missing);
  for (const uint64_t g : gone) {
    Vassal* still = roster_.find(name);
    if (still == nullptr) break;
    Generation ended;
    ended.number = g;
    ended.configuration = still->configuration;
    ended.failure = "ended while no emperor was there";
    on_gone(*still, ended);
  }
}

void Emperor::adopt_logs() {
  for (const auto& [name, vassal] : roster_.all())
    if (logger_.has(name))
      if (auto kept = keep_log(*vassal); !kept)
        log_.error("vassal {}: {}", name, kept.error().message());
  logger_.synced();
}

void Emperor::clear_leftovers(const Held& held) {
  for (const auto& [name, fd] : held) {
    log_.debug("adoption: nobody wants {}", base::printable(name));
    keeper_.release(name);
  }
  for (const auto& name : tree_.vassals()) {
    if (roster_.find(name) != nullptr) continue;
    auto group = tree_.existing(name);
    if (!group) continue;
    log_.warn("emperor: ends what an earlier run left in its cgroup vassal={}", name);
    for (const uint64_t number : group->leaves()) {
      auto leaf = group->existing_leaf(number);
      (void)leaf.kill();
      (void)leaf.try_remove();
    }
    (void)group->try_remove();
  }
}

}  // namespace emperor
