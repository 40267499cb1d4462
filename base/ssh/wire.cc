#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint32_t octet(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

std::optional<uint8_t> Reader::byte() {
  if (rest_.empty()) return std::nullopt;
  const auto value = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

std::optional<uint32_t> Reader::number() {
  if (rest_.size() < 4) return std::nullopt;
  const uint32_t value = octet(rest_[0]) << 24 | octet(rest_[1]) << 16 |
                         octet(rest_[2]) << 8 | octet(rest_[3]);
  rest_.remove_prefix(4);
  return value;
}

std::optional<std::string_view> Reader::string() {
  const std::string_view before = rest_;
  const auto size = number();
  if (!size || *size > rest_.size()) {
    rest_ = before;
    return std::nullopt;
  }
  const std::string_view value = rest_.substr(0, *size);
  rest_.remove_prefix(*size);
  return value;
}

std::optional<std::string_view> Reader::positive() {
  const std::string_view before = rest_;
  auto value = string();
  const bool good = value && !value->empty() && (octet(value->front()) & 0x80) == 0;
  if (good && value->front() == '\0') value->remove_prefix(1);
  // Zero, and a zero in front of where none is needed, are no numbers of keys.
  if (!good || value->empty() || value->front() == '\0') {
    rest_ = before;
    return std::nullopt;
  }
  return value;
}

Writer& Writer::byte(uint8_t value) {
  bytes_.push_back(static_cast<char>(value));
  return *this;
}

Writer& Writer::number(uint32_t value) {
  for (const int shift : {24, 16, 8, 0})
    byte(static_cast<uint8_t>(value >> shift & 0xff));
  return *this;
}

Writer& Writer::string(std::string_view bytes) {
  number(static_cast<uint32_t>(bytes.size()));
  bytes_.append(bytes);
  return *this;
}

Writer& Writer::positive(std::string_view bytes) {
  while (!bytes.empty() && bytes.front() == '\0')
    bytes.remove_prefix(1);
  const bool sign = !bytes.empty() && (octet(bytes.front()) & 0x80) != 0;
  return string(std::string(sign ? 1 : 0, '\0').append(bytes));
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == kAlphabet.npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xff));
    bits &= (1U << held) - 1;
  }
  if (bits != 0) return std::nullopt;  // one text for the same bytes
  return out;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const auto part = bytes.substr(at, 3);
    uint32_t bits = octet(part[0]) << 16;
    if (part.size() > 1) bits |= octet(part[1]) << 8;
    if (part.size() > 2) bits |= octet(part[2]);
    for (size_t n = 0; n < 4; ++n)
      out.push_back(n > part.size() ? '=' : kAlphabet[bits >> (18 - 6 * n) & 63]);
  }
  return out;
}

}  // namespace ssh
