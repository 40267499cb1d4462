// Announcer: sends the vassal's subscriptions to the routers of others, again and again
// while it serves, and takes them back when it goes for good. Used by Master and Command.
//
// Nothing here waits: what cannot be sent is lost, and said again at the next turn.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/wire/message.h"
#include "vassal/announcement.h"
#include "vassal/command_plan.h"
#include "vassal/signer.h"

namespace vassal {

class Announcer {
 public:
  /// `listeners` stay the caller's. `config` must outlive this.
  Announcer(const VassalConfig& config,
            const std::vector<ListenerName>& listeners,
            std::string runtimes);

  /// The vassal serves: says so now, and every subscribe-freq from now on.
  void start(base::Instant now);
  /// When it is to be said again; nothing if there is nothing to say.
  std::optional<base::Instant> next() const { return next_; }
  void tick(base::Instant now);

  enum class Leaving { for_good, to_reload };
  /// What the emperor's order to drain means: to one whose successor serves already.
  static Leaving leaving_by(const wire::Message& drain) {
    return drain.get("replaced").empty() ? Leaving::for_good : Leaving::to_reload;
  }
  /// Says nothing more; who goes for good, or is told to, takes back what he said.
  void leave(Leaving how);

 private:
  void tell(const Subscription& subscription, bool leave);
  base::Result<> send(const Subscription& subscription, const Moment& moment);
  uint64_t load() const;

  const VassalConfig& config_;
  std::vector<OwnAddress> own_;
  int first_ = -1;  // listening socket
  Signer signer_;
  std::optional<base::Instant> next_;
  std::string told_;  // the last thing that went wrong
};

}  // namespace vassal
