// Layers and single lists of settings as bytes: for the sealed memfd that the vassal
// gets, and for the pipe of the reader. Pure, bounded, and safe against truncation and
// garbage: the pipe's other end runs with a tenant's ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vassal/config.h"

namespace vassal {

/// No encoding is larger, and no larger one is decoded.
inline constexpr size_t kMostEncodedBytes = size_t{1} << 20;

/// EFBIG if the layers need more than kMostEncodedBytes.
base::Result<std::string> encode_layers(const Layers& layers);
/// The exact reverse; an error for anything that encode_layers does not make.
base::Result<Layers> decode_layers(std::string_view bytes);

/// Appends numbers and texts; what every encoding here is made of.
class Encoder {
 public:
  void number(uint64_t value);
  void text(std::string_view value);
  void settings(const std::vector<base::Setting>& settings);
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Takes them off again. After the first failure everything is 0 and "", and ok() is
/// false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  uint64_t number();
  /// A number that must not exceed `most`.
  uint64_t number_up_to(uint64_t most);
  std::string text();
  std::vector<base::Setting> settings();
  /// For a list: how many elements follow, each of at least one byte.
  size_t count();
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }
  void fail() { ok_ = false, rest_ = {}; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace vassal
