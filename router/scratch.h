// Scratch: room for bytes on their way from one descriptor to another.
//
// One for all sessions of a router: what stands there is sent, or copied, before anybody
// else has a turn (no co_await in between). So a connection that only waits holds no
// buffer.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "router/request_writer.h"

namespace router {

class Scratch {
 public:
  static constexpr size_t kRoom = RequestWriter::kMaxPiece;
  /// What may be written in front of the bytes received, and behind them, to frame them.
  static constexpr size_t kBefore = 16;
  static constexpr size_t kAfter = 16;

  /// Where to receive.
  std::span<char> room() { return {bytes_.data() + kBefore, kRoom}; }

 private:
  static_assert(kBefore >= RequestWriter::kMaxPrefix);
  static_assert(kAfter >= RequestWriter::kMaxSuffix);
  std::array<char, kBefore + kRoom + kAfter> bytes_;
};

}  // namespace router
