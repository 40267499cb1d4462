// HttpMessage: one HTTP/1 message read piece by piece, over http_parser. Pure.
//
// First the head (read_head is given everything from the first byte on, until the head is
// whole), then the body (read_body is given each piece once). The head is kept by the
// caller: fields are views into it. What is a valid request or answer beyond the grammar
// is decided elsewhere.
#pragma once

#include <http_parser.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "router/http_strict.h"

namespace router {

struct HttpField {
  std::string_view name;
  std::string_view value;
};

/// Case-insensitive for ASCII, as field names are.
bool same_name(std::string_view a, std::string_view b);

class HttpMessage {
 public:
  enum class Kind { request, answer };
  enum class State {
    head,      ///< more of the head is needed
    body,      ///< the head is whole, the body is not
    complete,  ///< nothing more belongs to this message
    broken,    ///< not HTTP: see too_large()
  };

  explicit HttpMessage(Kind kind);
  ~HttpMessage() = default;
  HttpMessage(const HttpMessage&) = delete;
  HttpMessage& operator=(const HttpMessage&) = delete;

  State state() const { return state_; }
  /// For an answer to HEAD: it has no body, whatever its head says. Before the head is
  /// read.
  void expect_no_body() { no_body_ = true; }
  /// `bytes`: the whole message so far; may stand elsewhere each time. Views of fields()
  /// and target() point into the last one given.
  State read_head(std::string_view bytes);
  size_t head_size() const { return head_size_; }

  struct Piece {
    size_t consumed = 0;  ///< bytes that belong to this message
    size_t body = 0;      ///< bytes of the body, without chunk sizes, at the front
  };
  Piece read_body(std::span<char> bytes);
  /// The peer sends no more: completes an answer without length, breaks everything else.
  State end_of_stream();

  // Once the head is whole:
  std::string_view method() const;
  int status() const { return parser_.status_code; }
  int version_major() const { return parser_.http_major; }
  int version_minor() const { return parser_.http_minor; }
  std::string_view target() const { return view(target_); }
  std::string_view reason() const { return view(reason_); }
  std::vector<HttpField> fields() const;
  bool chunked() const { return chunked_; }
  /// Whether the end of the body is known by Content-Length, chunks, or because there is
  /// none.
  bool framed() const { return framed_; }
  bool keep_alive() const { return keep_alive_; }
  /// The parser's sentence about what is broken.
  std::string_view fault() const;
  /// Broken by size, not by syntax.
  bool too_large() const { return too_large_; }

  /// More fields than this are refused as too large.
  static constexpr size_t kMaxFields = 200;

 private:
  struct Span {
    size_t begin = 0;
    size_t size = 0;
  };
  struct FieldSpan {
    Span name;
    Span value;
  };
  struct Callbacks;  // what http_parser calls

  std::string_view view(Span span) const { return {head_ + span.begin, span.size}; }
  /// Adds a run of bytes to `span`; false if it does not follow on (a folded line).
  bool extend(Span& span, const char* at, size_t size) const;
  void run(const char* bytes, size_t size);
  void on_head_complete();

  bool is_request() const { return parser_.type == HTTP_REQUEST; }

  http_parser parser_;
  StrictChunks lines_;  // of a request's chunked body
  State state_ = State::head;
  bool no_body_ = false;
  bool chunked_ = false;
  bool framed_ = true;
  bool keep_alive_ = false;
  bool too_large_ = false;
  bool head_complete_ = false;
  const char* head_ = nullptr;
  size_t parsed_ = 0;
  size_t head_size_ = 0;
  Span target_;
  Span reason_;
  std::vector<FieldSpan> fields_;
  bool in_value_ = false;
  char* decoded_to_ = nullptr;  // where read_body gathers the body
};

}  // namespace router
