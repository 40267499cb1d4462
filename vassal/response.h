// ResponseHead: status line and headers of one answer, and how its body is delimited.
//
// Pure: builds bytes, sends nothing. Refuses what would let an application's data forge a
// header (CR, LF, NUL). Two framings: `until_close` is what nginx expects of a uwsgi
// server (nothing is added, the end is the close); `http11` is for the pair to the router
// (Content-Length or chunked).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vassal {

enum class Framing : uint8_t { until_close, http11 };

/// How the bytes of the body stand on the wire, known once the head is finished.
enum class BodyForm : uint8_t { none, plain, chunked };

class ResponseHead {
 public:
  /// Begins a new answer; nothing of an earlier one stays.
  void reset(std::string_view protocol, Framing framing, bool is_head_request);

  /// Null, or what is wrong with it. "200" alone gets its usual phrase. Drops earlier
  /// headers.
  const char* set_status(std::string_view status);
  /// Null, or what is wrong with it.
  const char* add(std::string_view name, std::string_view value);

  bool has_status() const { return status_ != 0; }
  int status() const { return status_; }
  uint32_t header_count() const { return count_; }
  /// Content-Length as the application gave it.
  std::optional<uint64_t> length() const { return length_; }
  /// HEAD, 1xx, 204 and 304 have no body, whatever the application returns.
  bool bodiless() const;

  /// Ends the head. `known_length`: the size of the whole body, if the application's
  /// answer shows it; used where the framing needs a length and the application gave
  /// none.
  BodyForm finish(std::optional<uint64_t> known_length);
  /// The finished head.
  std::string_view bytes() const { return std::string_view(bytes_).substr(0, size_); }
  /// The finished head and `body` behind it, in one piece. Once.
  std::string_view bytes_with(std::string_view body) { return bytes_.append(body); }

 private:
  bool dropped(std::string_view name) const;

  std::string bytes_;
  std::string protocol_;
  std::optional<uint64_t> length_;
  size_t size_ = 0;  // of the head, once it is finished
  uint32_t count_ = 0;
  int status_ = 0;
  Framing framing_ = Framing::until_close;
  bool is_head_request_ = false;
};

/// The usual phrase of a status ("Not Found"); "Unknown" if it has none.
std::string_view reason_phrase(int status);

}  // namespace vassal
