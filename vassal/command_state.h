// When a tenant's own server counts as ready, and what its words mean to the emperor.
// Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/wire/emperor_byte.h"
#include "vassal/config.h"

namespace vassal {

class CommandState {
 public:
  /// What is to be said to the emperor now; or that the program asks to be stopped.
  enum class Tell { nothing, ready, heartbeat, leaving };

  CommandState(CommandType type, base::Duration startsecs, base::Instant started);

  /// A byte of uWSGI's emperor protocol. Ready is who accepts; who has loaded his
  /// applications and does not (`cheap`) is given `startsecs` more.
  Tell on_word(wire::emperor_byte::Word word, base::Instant now);
  /// One datagram of sd_notify(3).
  Tell on_notify(std::string_view text);
  /// The time is what due() said, or later.
  Tell on_time(base::Instant now);

  /// When on_time() has something to say.
  std::optional<base::Instant> due() const { return due_; }
  bool ready() const { return ready_; }

 private:
  Tell become_ready();

  base::Duration startsecs_;
  std::optional<base::Instant> due_;
  bool ready_ = false;
};

}  // namespace vassal
