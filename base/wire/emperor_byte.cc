#include "base/wire/emperor_byte.h"

namespace wire::emperor_byte {

std::optional<Order> order_of(uint8_t byte) {
  if (byte > static_cast<uint8_t>(Order::stop_gracefully)) return std::nullopt;
  return static_cast<Order>(byte);
}

std::optional<Word> word_of(uint8_t byte) {
  using enum Word;
  for (const Word word :
       {spawned, send_config, accepting, loyal, leaving, heartbeat, reinforcement})
    if (byte == static_cast<uint8_t>(word)) return word;
  return std::nullopt;
}

std::string_view name_of(Order order) {
  switch (order) {
    case Order::stop:
      return "stop";
    case Order::reload:
      return "reload";
    case Order::stop_gracefully:
      return "stop gracefully";
  }
  return "";
}

std::string_view name_of(Word word) {
  switch (word) {
    case Word::spawned:
      return "spawned";
    case Word::send_config:
      return "send config";
    case Word::accepting:
      return "accepting";
    case Word::loyal:
      return "loyal";
    case Word::leaving:
      return "leaving";
    case Word::heartbeat:
      return "heartbeat";
    case Word::reinforcement:
      return "reinforcement";
  }
  return "";
}

}  // namespace wire::emperor_byte
