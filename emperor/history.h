// History: how the last generations of a vassal ended that nobody had told to end.
//
// Pure. Bounded in number and in text; what stands in it is printable. Shown by
// `emperorctl show`, and kept over an emperor's death.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace emperor {

enum class DeathKind : uint8_t {
  unseen,         ///< nobody was there to see how
  exited,         ///< an exit code, not asked for
  signalled,      ///< a signal
  out_of_memory,  ///< by its own memory-max
  not_spawned,    ///< a step of the ladder, a socket, a log file
  too_slow,       ///< not ready within start-timeout
  application,    ///< it said itself that its application cannot be served
  on_purpose,     ///< it had been ready, and exited with 0
  silent,         ///< its heartbeats stopped
};
inline constexpr int kDeathKinds = 9;
std::string_view name_of(DeathKind kind);

struct Death {
  int64_t at = 0;  ///< seconds of the epoch
  uint64_t generation = 0;
  DeathKind kind = DeathKind::unseen;
  std::string reason;
  std::string log;  ///< the last lines of its log
  friend bool operator==(const Death&, const Death&) = default;
};

class History {
 public:
  static constexpr size_t kMost = 10;
  static constexpr size_t kMostReason = 500;
  static constexpr size_t kLines = 10;
  static constexpr size_t kMostLine = 200;

  /// Takes over what fits; the oldest makes room.
  void add(Death death);
  /// What that generation's log said at its end, if it still stands here.
  void set_log(uint64_t generation, std::string lines);
  /// The oldest first.
  const std::deque<Death>& deaths() const { return deaths_; }
  friend bool operator==(const History&, const History&) = default;

 private:
  std::deque<Death> deaths_;
};

/// The last lines of `text` (the end of a log, perhaps beginning within a line), made
/// printable and cut to the bounds above.
std::string last_lines(std::string_view text);

/// The last lines of the log at `path`; empty if it cannot be read. Never follows a link.
std::string read_last_lines(const std::string& path);

}  // namespace emperor
