// Tally: what is counted of the requests of one host or one vassal. Pure.
//
// Everything only grows, so that tallies of several processes can be added up, and a
// difference of two looks is a rate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/wire/cause.h"

namespace wire {

/// How long something took, counted in fixed classes.
class Histogram {
 public:
  /// Upper bounds in milliseconds; the last class has none.
  static constexpr std::array<uint64_t, 9> kBounds{1,   5,    10,   50,   100,
                                                   500, 1000, 5000, 10000};
  static constexpr size_t kClasses = kBounds.size() + 1;

  void add(base::Duration took);
  void add(const Histogram& other);
  /// Of each class by itself, not of all below it.
  const std::array<uint64_t, kClasses>& classes() const { return classes_; }
  uint64_t count() const;
  /// Of all, in microseconds.
  uint64_t sum_us() const { return sum_us_; }

 private:
  friend struct TallyText;
  std::array<uint64_t, kClasses> classes_{};
  uint64_t sum_us_ = 0;
};

struct Tally {
  uint64_t requests = 0;
  uint64_t handed_over = 0;
  uint64_t relayed = 0;
  uint64_t refused = 0;
  std::array<uint64_t, 5> status{};  ///< 1xx to 5xx, of what did not go by hand-over
  std::array<uint64_t, kCauses> causes{};  ///< of what was refused
  uint64_t received = 0;                   ///< bytes of bodies, as far as they passed
  uint64_t sent = 0;
  Histogram queue;       ///< from arrival until a worker or node could have it
  Histogram first_byte;  ///< from arrival to the answer's first byte
  Histogram total;       ///< from arrival to the answer's end

  void add(const Tally& other);
  void count_status(int code);
};

/// A tally as numbers with spaces between, for messages between processes.
std::string to_text(const Tally& tally);
/// Nothing if `text` is none of to_text()'s.
std::optional<Tally> tally_of(std::string_view text);

}  // namespace wire
