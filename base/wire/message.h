// Message: what Imperium's own processes say to each other over SOCK_SEQPACKET pairs
// (emperor and keeper, emperor and router, emperor and vassal).
//
// A verb and named fields, encoded as one uwsgi packet, so that there is one codec, and a
// message can be read in strace. Descriptors travel beside it (base/fd_passing). Unknown
// verbs and fields are ignored by the receiver: either side may be newer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wire {

struct Message {
  std::string verb;
  std::vector<std::pair<std::string, std::string>> fields;

  /// The first field of that name; empty if there is none.
  std::string_view get(std::string_view name) const;
  /// The same as a number; nothing if absent or not wholly decimal.
  std::optional<uint64_t> number(std::string_view name) const;
  /// All values of a repeated field.
  std::vector<std::string_view> all(std::string_view name) const;
  Message& set(std::string name, std::string value);
  Message& set(std::string name, uint64_t value);
};

/// The packet, or nothing if the fields exceed 65,535 bytes.
std::optional<std::string> encode(const Message& message);
/// A whole packet back into a message; nothing if it is not one.
std::optional<Message> decode_message(std::string_view bytes);

}  // namespace wire
