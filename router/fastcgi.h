// FastCGI records (specification 1.0, section 3): written for a request, read from an
// answer. Pure. One request per connection at a time, its id is always 1.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace router::fastcgi {

enum class Type : uint8_t {
  begin_request = 1,
  abort_request = 2,
  end_request = 3,
  params = 4,
  in = 5,
  out = 6,
  error = 7,
};

inline constexpr size_t kHeader = 8;
/// The most that one record is given here: a multiple of 8, so that it needs no padding.
inline constexpr size_t kMaxContent = 65528;

using HeaderBytes = std::array<char, kHeader>;
/// `content` <= 65535, `padding` <= 255.
HeaderBytes header(Type type, size_t content, size_t padding);
/// What fills a content of this size up to a multiple of 8.
constexpr size_t padding_of(size_t content) {
  return (8 - content % 8) % 8;
}

/// As many records as `content` needs; none if it is empty.
void append_stream(Type type, std::string_view content, std::string& out);
/// The record that ends a stream.
void append_end(Type type, std::string& out);
/// A responder, whose connection is kept for the next request.
void append_begin(std::string& out);
/// One name and its value as PARAMS has them.
void append_pair(std::string_view name, std::string_view value, std::string& params);

/// Reads the records of one answer.
class AnswerRecords {
 public:
  enum class State : uint8_t {
    open,    ///< END_REQUEST has not come
    ended,   ///< it has: see protocol_status()
    broken,  ///< not FastCGI 1.0
  };

  /// Takes bytes just received, split anywhere. What they have of STDOUT is moved to
  /// their front; gives how many bytes. Records of other requests and of unknown types
  /// are skipped.
  size_t feed(std::span<char> bytes);

  State state() const { return state_; }
  /// Ended, and the padding of the last record was read as well.
  bool complete() const {
    return state_ == State::ended && position_ == 0 && padding_ == 0;
  }
  /// Bytes came after the last record.
  bool excess() const { return excess_; }
  /// Once ended. 0: done; 1: cannot multiplex; 2: overloaded; 3: unknown role.
  uint8_t protocol_status() const { return static_cast<uint8_t>(end_[4]); }
  /// Once ended. The exit status of the program.
  uint32_t app_status() const;
  /// The beginning of STDERR.
  std::string_view error_text() const { return error_; }

  static constexpr size_t kMaxError = 4096;

 private:
  size_t take_content(std::span<char> bytes, size_t at, size_t& gathered);
  void begin_record();
  void end_content();
  void take_other(std::string_view content);

  State state_ = State::open;
  HeaderBytes header_{};
  size_t position_ = 0;  // bytes of header_ that are there; 0 between records
  size_t content_ = 0;   // bytes of the record still to come
  size_t padding_ = 0;
  Type type_{};
  bool ours_ = false;
  bool excess_ = false;
  std::array<char, 8> end_{};
  size_t end_size_ = 0;
  std::string error_;
};

}  // namespace router::fastcgi
