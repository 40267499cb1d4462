// uWSGI's emperor protocol: single bytes over a stream socketpair, whose vassal's end
// stands in UWSGI_EMPEROR_FD. No framing, no answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wire::emperor_byte {

/// The variable that holds the number of the vassal's descriptor.
inline constexpr char kVariable[] = "UWSGI_EMPEROR_FD";

/// What an emperor says to its vassal.
enum class Order : uint8_t {
  stop = 0,
  reload = 1,
  stop_gracefully = 2,
};

/// What a vassal says to its emperor.
enum class Word : uint8_t {
  spawned = 1,      ///< its master is up, the applications are loaded
  send_config = 2,  ///< wants its configuration through the other pipe
  accepting = 5,    ///< its first worker waits for requests
  loyal = 17,       ///< it has answered a request
  leaving = 22,     ///< it was idle for long and wants to be stopped
  heartbeat = 26,   ///< the first one asks to be missed from then on
  reinforcement = 30,
};

/// Nothing for a byte that is no order, and no word.
std::optional<Order> order_of(uint8_t byte);
std::optional<Word> word_of(uint8_t byte);
/// "stop", "accepting": for logs.
std::string_view name_of(Order order);
std::string_view name_of(Word word);

}  // namespace wire::emperor_byte
