// Lifeline: the vassal's end of its line to the emperor (wire/lifeline.h).
//
// Without an emperor (a vassal that runs alone) everything said is dropped and nothing is
// heard. The emperor may die and another take its place on the same line, so an end of
// the line is only noted: the vassal goes on serving.
//
// Under uWSGI's own emperor the line speaks that one's bytes (wire/emperor_byte.h). Its
// end then is an order to leave: the next emperor would start a second vassal.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/wire/emperor_byte.h"
#include "base/wire/message.h"

namespace vassal {

class Lifeline {
 public:
  enum class Speech { messages, emperor_bytes };

  explicit Lifeline(base::Fd fd, Speech speech = Speech::messages)
      : fd_(std::move(fd)), speech_(speech), given_(static_cast<bool>(fd_)) {}

  /// What to wait on; -1 when there is nobody.
  int fd() const { return fd_.get(); }

  void hello();
  /// Where ready() is written down before it is said, for an emperor that comes too late
  /// to hear it; must be there until then.
  void note_ready_in(std::atomic<uint32_t>& place) { ready_ = &place; }
  void ready();
  void failed(std::string_view reason);
  void draining();
  void heartbeat();
  /// It had nothing to do for long, by its own account.
  void idle();
  /// It has answered a request. Only uWSGI's emperor asks for that.
  void loyal();
  bool wants_loyalty() const {
    return fd_ && speech_ == Speech::emperor_bytes && !loyal_;
  }
  /// Wants to be replaced by a fresh generation; false if no emperor of ours is there.
  bool ask_reload(std::string_view why);
  /// Wants a fresh log; `how` is the verb.
  void ask_log(const char* how);
  /// There was somebody once.
  bool lost() const { return given_ && !fd_; }
  void worker_died(uint32_t worker_id, std::string_view reason);

  /// The next message, if one is there. Closes the line once the other end is gone.
  std::optional<wire::Message> receive();

 private:
  void send(const wire::Message& message);
  void send(wire::emperor_byte::Word word);
  std::optional<wire::Message> receive_byte();

  base::Fd fd_;
  std::atomic<uint32_t>* ready_ = nullptr;
  Speech speech_;
  bool given_;
  bool loyal_ = false;
};

}  // namespace vassal
