// Record: everything the emperor knows of one vassal, and the roster of all of them.
//
// Data with owners, no decisions: those are in life.h and claims.h. Who holds a reference
// over a co_await looks the vassal up again by name; generations are shared, and say when
// they are over.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/process.h"
#include "cgroups/group.h"
#include "emperor/backoff.h"
#include "emperor/history.h"
#include "emperor/life.h"
#include "emperor/message_channel.h"
#include "emperor/reconcile.h"
#include "emperor/scoreboard_view.h"
#include "emperor/tenant_socket.h"
#include "vassal/config.h"

namespace emperor {

/// What one content of a vassal's file means; shared by the generations that run it.
struct Configuration {
  vassal::VassalConfig config;
  std::vector<vassal::Diagnostic> diagnostics;
  std::string encoded;  ///< the three layers of settings, as the vassal gets them
                        ///< (settings_codec.h)
};

/// One life of the vassal program.
struct Generation {
  uint64_t number = 0;
  std::shared_ptr<const Configuration> configuration;
  base::Pidfd pidfd;  ///< empty until it was cloned
  cgroups::Leaf leaf;
  std::shared_ptr<MessageChannel> lifeline;
  ScoreboardView scoreboard;
  base::Instant began;
  bool holds_slot = false;
  bool launching = false;  ///< a coroutine brings it up, and says how that went
  bool ready = false;
  bool over =
      false;  ///< it was told to end (killed, drained); nothing of it is news any more
  bool exited = false;    ///< its first process was reaped
  unsigned looks = 0;     ///< how often its leaf was looked at after that
  unsigned kills = 0;     ///< how often it was sent SIGKILL
  uint64_t cpu_seen = 0;  ///< for the start slots
  std::optional<base::Instant> last_beat;  ///< since then it is missed when silent
  base::Instant told_since;                ///< for the lines it adds to our log
  unsigned told = 0;
  bool watched = false;                 ///< its end is seen by its pidfd
  uvx::Poll* end_watch = nullptr;       ///< while that is waited for
  std::string failure;                  ///< why it could not start, or how it ended
  DeathKind death = DeathKind::unseen;  ///< what kind of failure that is
};

/// What was last seen of a vassal's requests, for putting it to sleep.
struct Activity {
  uint64_t taken = 0;
  uint64_t finished = 0;
  base::Instant last;     ///< of the last request, or since when it serves
  base::Instant look_at;  ///< when it is looked at again; an earlier alarm means nothing
};

/// A host that the vassal's file asks for and may not have (domain_policy.h).
struct RefusedDomain {
  std::string host;
  std::string reason;
  friend bool operator==(const RefusedDomain&, const RefusedDomain&) = default;
};

struct Vassal {
  std::string name;
  uint64_t id = 0;  ///< towards the router
  std::string path;
  size_t source = 0;
  bool name_counts = true;  ///< Claimer::name_counts
  std::vector<RefusedDomain> refused_domains;

  Life life;
  std::shared_ptr<const Configuration>
      configuration;       ///< of the newest content that can be used
  std::string file_error;  ///< why the file as it is now cannot be used
  std::string last_error;  ///< what went wrong last, of the file or of a generation
  std::map<uint64_t, std::shared_ptr<Generation>> generations;

  base::Fd channel_send;  ///< the router's end of the handoff channel
  base::Fd channel_receive;
  base::Instant channel_since;  ///< when a spoiled one was replaced last
  Backoff spoils{{.healthy = std::chrono::seconds(60)}};
  bool spoiled = false;                         ///< and not replaced yet
  std::map<std::string, TenantSocket> sockets;  ///< by SocketAddress::text
  cgroups::Group group;
  bool has_group = false;
  bool reload_asked = false;      ///< by itself, and not carried out yet
  base::Instant reload_asked_at;  ///< when the last such reload came
  ScoreboardView::Totals before;  ///< counted by generations that are gone
  uint64_t oom_kills = 0;
  History history;
  Activity activity;
  bool watched = false;        ///< its descriptors are at the doorbell
  bool sockets_alarm = false;  ///< set: its sockets are tried again then
  bool second_look = false;    ///< somebody knocked while a generation still drained
};

/// What runs and serves means; if nothing does, what the newest file means. Null without
/// a usable file.
const Configuration* serving_configuration(const Vassal& vassal);

class Roster {
 public:
  Vassal& add(const std::string& name);
  /// The same under the number it had for an earlier emperor's router.
  Vassal& add(const std::string& name, uint64_t id);
  Vassal* find(const std::string& name);
  Vassal* find_id(uint64_t id);
  void erase(const std::string& name);
  size_t size() const { return vassals_.size(); }
  /// Sorted by name.
  std::map<std::string, std::unique_ptr<Vassal>>& all() { return vassals_; }
  const std::map<std::string, std::unique_ptr<Vassal>>& all() const { return vassals_; }

  KnownFiles files;  ///< by path: what was read, when it looked how

  /// Which generation a process is the first of.
  struct Owner {
    std::string vassal;
    uint64_t generation = 0;
  };
  std::unordered_map<pid_t, Owner> processes;

 private:
  std::map<std::string, std::unique_ptr<Vassal>> vassals_;
  std::unordered_map<uint64_t, Vassal*> by_id_;
  uint64_t newest_id_ = 0;
};

}  // namespace emperor
