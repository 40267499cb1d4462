#include "router/http_message.h"

#include <algorithm>
#include <cstring>

namespace router {

namespace {
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// Each returns 0 to go on; anything else makes the parser stop with an error.
struct HttpMessage::Callbacks {
  static HttpMessage& of(http_parser* parser) {
    return *static_cast<HttpMessage*>(parser->data);
  }

  static int on_target(http_parser* parser, const char* at, size_t size) {
    return of(parser).extend(of(parser).target_, at, size) ? 0 : 1;
  }
  static int on_reason(http_parser* parser, const char* at, size_t size) {
    return of(parser).extend(of(parser).reason_, at, size) ? 0 : 1;
  }
  static int on_name(http_parser* parser, const char* at, size_t size) {
    HttpMessage& message = of(parser);
    if (message.head_complete_) return 0;  // a trailer: dropped
    if (message.fields_.empty() || message.in_value_) {
      if (message.fields_.size() == kMaxFields) {
        message.too_large_ = true;
        return 1;
      }
      message.fields_.emplace_back();
      message.in_value_ = false;
    }
    return message.extend(message.fields_.back().name, at, size) ? 0 : 1;
  }
  static int on_value(http_parser* parser, const char* at, size_t size) {
    HttpMessage& message = of(parser);
    if (message.head_complete_) return 0;
    message.in_value_ = true;
    return message.extend(message.fields_.back().value, at, size) ? 0 : 1;
  }
  static int on_head_complete(http_parser* parser) {
    of(parser).on_head_complete();
    // 1: there is no body, whatever the head says. The parser alone would wait for the
    // Content-Length of a 304.
    const bool bodiless = parser->type == HTTP_RESPONSE &&
                          (parser->status_code == 204 || parser->status_code == 304);
    return of(parser).no_body_ || bodiless ? 1 : 0;
  }
  static int on_body(http_parser* parser, const char* at, size_t size) {
    HttpMessage& message = of(parser);
    // A body that needs no decoding stands where it should.
    if (message.decoded_to_ != at) std::memmove(message.decoded_to_, at, size);
    message.decoded_to_ += size;
    return 0;
  }
  static int on_complete(http_parser* parser) {
    of(parser).state_ = State::complete;
    of(parser).keep_alive_ = http_should_keep_alive(parser) != 0;
    http_parser_pause(parser, 1);  // what follows is another message
    return 0;
  }

  static constexpr http_parser_settings kSettings{
      .on_message_begin = nullptr,
      .on_url = on_target,
      .on_status = on_reason,
      .on_header_field = on_name,
      .on_header_value = on_value,
      .on_headers_complete = on_head_complete,
      .on_body = on_body,
      .on_message_complete = on_complete,
      .on_chunk_header = nullptr,
      .on_chunk_complete = nullptr,
  };
};

HttpMessage::HttpMessage(Kind kind) : parser_{} {
  http_parser_init(&parser_, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE);
  parser_.data = this;
}

bool HttpMessage::extend(Span& span, const char* at, size_t size) const {
  const auto begin = static_cast<size_t>(at - head_);
  if (span.size == 0) span.begin = begin;
  if (span.begin + span.size != begin) return size == 0;
  span.size += size;
  return true;
}

void HttpMessage::on_head_complete() {
  head_complete_ = true;
  chunked_ = (parser_.flags & F_CHUNKED) != 0;
  parser_.upgrade = 0;  // upgrades are not offered: the request is an ordinary one
  http_parser_pause(&parser_, 1);
}

void HttpMessage::run(const char* bytes, size_t size) {
  parsed_ += http_parser_execute(&parser_, &Callbacks::kSettings, bytes, size);
  const auto error = HTTP_PARSER_ERRNO(&parser_);
  if (error == HPE_OK || error == HPE_PAUSED) return;
  if (error == HPE_HEADER_OVERFLOW) too_large_ = true;
  state_ = State::broken;
}

HttpMessage::State HttpMessage::read_head(std::string_view bytes) {
  head_ = bytes.data();
  if (state_ != State::head) return state_;
  run(bytes.data() + parsed_, bytes.size() - parsed_);
  if (state_ == State::broken || !head_complete_) return state_;
  // The parser stopped on the last line feed of the head. That byte alone tells what
  // follows.
  http_parser_pause(&parser_, 0);
  keep_alive_ = http_should_keep_alive(&parser_) != 0;
  state_ = State::body;
  run(bytes.data() + parsed_, 1);
  head_size_ = parsed_;
  if (is_request() && !is_strict_head(bytes.substr(0, head_size_)))
    state_ = State::broken;
  framed_ = state_ == State::complete || chunked_ || parser_.content_length != UINT64_MAX;
  return state_;
}

HttpMessage::Piece HttpMessage::read_body(std::span<char> bytes) {
  if (state_ != State::body || bytes.empty()) return {};
  if (is_request() && chunked_ && !lines_.feed({bytes.data(), bytes.size()})) {
    state_ = State::broken;
    return {};
  }
  char* const begin = bytes.data();
  decoded_to_ = begin;
  const size_t before = parsed_;
  run(begin, bytes.size());
  return {parsed_ - before, static_cast<size_t>(decoded_to_ - begin)};
}

HttpMessage::State HttpMessage::end_of_stream() {
  if (state_ == State::body && !framed_)
    state_ = State::complete;
  else if (state_ != State::complete)
    state_ = State::broken;
  return state_;
}

std::string_view HttpMessage::method() const {
  return http_method_str(static_cast<http_method>(parser_.method));
}

std::vector<HttpField> HttpMessage::fields() const {
  std::vector<HttpField> fields;
  fields.reserve(fields_.size());
  for (const FieldSpan& field : fields_)
    fields.push_back({view(field.name), view(field.value)});
  return fields;
}

std::string_view HttpMessage::fault() const {
  return http_errno_description(HTTP_PARSER_ERRNO(&parser_));
}

}  // namespace router
