// The uwsgi packet: what nginx sends and what every internal message is made of.
//
// Byte 0 modifier1, bytes 1-2 size of the block (little endian), byte 3 modifier2, then
// the block: repeated { u16 key length, key, u16 value length, value }. The request body
// follows and is not counted. Stricter than uWSGI, which skips a key that runs past the
// block (a bug): here every inconsistency is an error. Pure: no descriptors, no
// allocation while parsing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wire {

inline constexpr size_t kPacketHeader = 4;
inline constexpr size_t kMaxBlock = 65535;  ///< the size field has 16 bits
inline constexpr size_t kMaxPacket = kPacketHeader + kMaxBlock;
/// uWSGI takes 128 (2 x max-vars); a browser with many headers behind nginx needs more.
inline constexpr size_t kMaxVars = 512;

struct PacketHeader {
  uint8_t modifier1 = 0;
  uint16_t size = 0;
  uint8_t modifier2 = 0;

  /// Header and block together.
  size_t total() const { return kPacketHeader + size; }
};

/// The header, once 4 bytes are there; nothing before.
std::optional<PacketHeader> decode_header(std::string_view bytes);

struct Var {
  std::string_view key;
  std::string_view value;
};

/// Walks the variables of a complete block. Views point into the block.
///   for (VarReader r(block); auto var = r.next();) ...; then check r.error().
class VarReader {
 public:
  explicit VarReader(std::string_view block) : rest_(block) {}
  /// The next variable; nothing at the end or on the first error.
  std::optional<Var> next();
  /// Null if the block was well-formed so far, else what is wrong with it.
  const char* error() const { return error_; }

 private:
  std::string_view rest_;
  size_t count_ = 0;
  const char* error_ = nullptr;
};

/// Builds a packet. add() refuses (false) what would not fit; the packet stays valid.
class PacketBuilder {
 public:
  explicit PacketBuilder(uint8_t modifier1 = 0, uint8_t modifier2 = 0);
  bool add(std::string_view key, std::string_view value);
  /// The whole packet, its size field filled in.
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace wire
