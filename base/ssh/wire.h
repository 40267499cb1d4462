// The data types of the SSH protocols (RFC 4251, section 5): what keys, signatures and
// the messages of an agent are made of. Pure; views point into what is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ssh {

/// Takes values off the front; every one may be missing, and then nothing is taken.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::optional<uint8_t> byte();
  std::optional<uint32_t> number();
  /// A length of four bytes, and so many bytes.
  std::optional<std::string_view> string();
  /// A positive number of any length, big-endian, without its leading zero.
  std::optional<std::string_view> positive();
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

class Writer {
 public:
  Writer& byte(uint8_t value);
  Writer& number(uint32_t value);
  Writer& string(std::string_view bytes);
  /// `bytes`: big-endian; leading zeros are dropped, and one added where it is needed.
  Writer& positive(std::string_view bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// RFC 4648, section 4: with padding, without line breaks. Nothing if it is not that.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace ssh
