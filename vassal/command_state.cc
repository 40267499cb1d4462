#include "vassal/command_state.h"

#include <algorithm>

namespace vassal {

CommandState::CommandState(CommandType type,
                           base::Duration startsecs,
                           base::Instant started)
    : startsecs_(startsecs) {
  if (type == CommandType::simple) due_ = started + startsecs;
}

CommandState::Tell CommandState::become_ready() {
  due_.reset();
  if (ready_) return Tell::nothing;
  ready_ = true;
  return Tell::ready;
}

CommandState::Tell CommandState::on_word(wire::emperor_byte::Word word,
                                         base::Instant now) {
  using enum wire::emperor_byte::Word;
  switch (word) {
    case spawned:
      if (!ready_ && !due_) due_ = now + startsecs_;
      return Tell::nothing;
    case accepting:
    case loyal:
      return become_ready();
    case leaving:
      return Tell::leaving;
    case heartbeat:
      return Tell::heartbeat;
    case send_config:
    case reinforcement:
      return Tell::nothing;
  }
  return Tell::nothing;
}

CommandState::Tell CommandState::on_notify(std::string_view text) {
  Tell tell = Tell::nothing;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line == "READY=1" && !ready_)
      tell = become_ready();
    else if (line == "WATCHDOG=1" && tell == Tell::nothing)
      tell = Tell::heartbeat;
  }
  return tell;
}

CommandState::Tell CommandState::on_time(base::Instant now) {
  return due_ && *due_ <= now ? become_ready() : Tell::nothing;
}

}  // namespace vassal
