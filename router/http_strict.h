// What http_parser lets pass and RFC 9112 does not allow: where two servers may disagree
// about where a line, a field or a request ends. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace router {

/// Whether a whole head has one space where one belongs in its request line, ends every
/// line by CR LF, has no other CR or LF, and folds no field (sections 2.2, 3, 5.2).
bool is_strict_head(std::string_view head);

/// Follows a body in the chunked coding from its first byte to its last, and tells as
/// soon as a line of it is not what section 7.1 says. The data is not looked at.
class StrictChunks {
 public:
  /// The next bytes. False: something is wrong, once and for all. What follows the last
  /// byte of the body is left alone.
  bool feed(std::string_view bytes);
  bool complete() const { return state_ == State::complete; }

 private:
  enum class State : uint8_t {
    size,         // hexadecimal digits
    before_more,  // spaces behind the size: an extension must follow
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line,  // a trailer begins, or the end
    name,
    value,
    value_lf,
    last_lf,
    complete,
    broken,
  };
  static State expect(char c, char wanted, State then);
  static State in_text(char c, State stay, State end);
  static State in_name(char c);
  static State after_size(char c);
  State in_size(char c);
  State next(char c);

  State state_ = State::size;
  uint64_t left_ = 0;    // of the size so far, then of the data
  unsigned digits_ = 0;  // of the size
};

}  // namespace router
