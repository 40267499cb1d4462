#include "base/wire/message.h"

#include <charconv>

#include "base/wire/uwsgi_packet.h"

namespace wire {

namespace {
constexpr uint8_t kModifier = 0xe0;  // unassigned in the uwsgi protocol
constexpr std::string_view kVerbKey = "verb";
}  // namespace

std::string_view Message::get(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::optional<uint64_t> Message::number(std::string_view name) const {
  const std::string_view text = get(name);
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::vector<std::string_view> Message::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields)
    if (key == name) values.emplace_back(value);
  return values;
}

Message& Message::set(std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return *this;
}

Message& Message::set(std::string name, uint64_t value) {
  return set(std::move(name), std::to_string(value));
}

std::optional<std::string> encode(const Message& message) {
  PacketBuilder packet(kModifier);
  if (!packet.add(kVerbKey, message.verb)) return std::nullopt;
  for (const auto& [key, value] : message.fields)
    if (!packet.add(key, value)) return std::nullopt;
  return packet.bytes();
}

std::optional<Message> decode_message(std::string_view bytes) {
  const auto header = decode_header(bytes);
  if (!header || header->modifier1 != kModifier || header->total() != bytes.size())
    return std::nullopt;
  Message message;
  VarReader vars(bytes.substr(kPacketHeader));
  const auto verb = vars.next();
  if (!verb || verb->key != kVerbKey) return std::nullopt;
  message.verb = verb->value;
  while (const auto var = vars.next())
    message.set(std::string(var->key), std::string(var->value));
  if (vars.error() != nullptr) return std::nullopt;
  return message;
}

}  // namespace wire
