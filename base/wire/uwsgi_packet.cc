#include "base/wire/uwsgi_packet.h"

namespace wire {

namespace {

uint16_t read_u16(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) |
                               static_cast<uint8_t>(bytes[1]) << 8);
}

void append_u16(std::string& out, size_t value) {
  out.push_back(static_cast<char>(value & 0xff));
  out.push_back(static_cast<char>(value >> 8 & 0xff));
}

/// A length-prefixed string off the front of `rest`; nothing if it does not fit.
std::optional<std::string_view> take_string(std::string_view& rest) {
  if (rest.size() < 2) return std::nullopt;
  const size_t length = read_u16(rest);
  if (rest.size() - 2 < length) return std::nullopt;
  const std::string_view text = rest.substr(2, length);
  rest.remove_prefix(2 + length);
  return text;
}

}  // namespace

std::optional<PacketHeader> decode_header(std::string_view bytes) {
  if (bytes.size() < kPacketHeader) return std::nullopt;
  return PacketHeader{static_cast<uint8_t>(bytes[0]), read_u16(bytes.substr(1)),
                      static_cast<uint8_t>(bytes[3])};
}

std::optional<Var> VarReader::next() {
  if (rest_.empty() || error_ != nullptr) return std::nullopt;
  const auto key = take_string(rest_);
  if (!key) {
    error_ = "a key runs past the block";
    return std::nullopt;
  }
  if (key->empty()) {
    error_ = "an empty key";
    return std::nullopt;
  }
  const auto value = take_string(rest_);
  if (!value) {
    error_ = "a value runs past the block";
    return std::nullopt;
  }
  if (++count_ > kMaxVars) {
    error_ = "too many variables";
    return std::nullopt;
  }
  return Var{*key, *value};
}

PacketBuilder::PacketBuilder(uint8_t modifier1, uint8_t modifier2) {
  bytes_ = {static_cast<char>(modifier1), 0, 0, static_cast<char>(modifier2)};
}

bool PacketBuilder::add(std::string_view key, std::string_view value) {
  if (key.empty()) return false;
  const size_t block = bytes_.size() - kPacketHeader + 4 + key.size() + value.size();
  if (block > kMaxBlock) return false;
  append_u16(bytes_, key.size());
  bytes_ += key;
  append_u16(bytes_, value.size());
  bytes_ += value;
  bytes_[1] = static_cast<char>(block & 0xff);
  bytes_[2] = static_cast<char>(block >> 8);
  return true;
}

}  // namespace wire
