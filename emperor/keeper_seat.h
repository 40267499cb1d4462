// Seat: one emperor as its keeper sees it: the process, the channel to it, and what it is
// still to be told.
#pragma once

#include <sys/types.h>

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/fd_passing.h"
#include "base/process.h"
#include "base/wire/message.h"
#include "emperor/holding.h"

namespace emperor {

/// pid -> wait status, of children that were reaped and that no emperor has dealt with.
using Exits = std::map<std::string, int>;

class Seat {
 public:
  /// A stranger was emperor before this keeper was: not its child, its end is seen by the
  /// end of its channel.
  enum class Kin { child, stranger };
  Seat(base::Pidfd process, base::Fd channel, Kin kin)
      : process_(std::move(process)), channel_(std::move(channel)), kin_(kin) {}

  pid_t pid() const { return process_.pid(); }
  Kin kin() const { return kin_; }
  void kill() const;
  /// What to poll, and for what; -1 once the channel has ended.
  int channel() const { return channel_.get(); }
  short events() const;

  void tell(std::string verb, std::string name = {}, int status = 0);
  void tell_everything(const Held& held, const Exits& exits);
  /// Sends what the channel takes; descriptors are looked up in `held` then.
  void flush(const Held& held);

  struct Said {
    wire::Message message;
    base::Fd fd;  ///< empty if none came with it
  };
  /// What it says next; nothing if that is all for now.
  std::optional<Said> hear();

 private:
  struct Outgoing {
    std::string verb;
    std::string name;  ///< of a held descriptor, a pid, or a reason
    int status = 0;
  };
  bool send(const Outgoing& outgoing, const Held& held);

  base::Pidfd process_;
  base::Fd channel_;
  Kin kin_;
  std::deque<Outgoing> outgoing_;
};

}  // namespace emperor
