#include "router/answer_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "router/http_field.h"
#include "router/options.h"
#include "router/request_head.h"

namespace router {

namespace {

constexpr std::string_view kHttp = "HTTP/";

/// Fields that name the connection, the framing, or the program's own words.
bool is_left_out(std::string_view name) {
  return is_of_this_hop(name) || same_name(name, "Transfer-Encoding");
}

/// All Connection fields together name what else is left out.
bool is_named(const std::vector<HttpField>& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const HttpField& field) {
    return same_name(field.name, "Connection") && lists(field.value, name);
  });
}

std::string_view fault_of_end(uint8_t protocol_status) {
  constexpr uint8_t kOverloaded = 2;
  return protocol_status == kOverloaded ? "the FastCGI program is overloaded"
                                        : "the FastCGI program refused the request";
}

}  // namespace

AnswerReader::AnswerReader(Protocol protocol, AnswerTo asked)
    : protocol_(protocol), asked_(asked) {
  if (protocol == Protocol::http) form_ = Form::http;
  if (protocol == Protocol::fastcgi || protocol == Protocol::scgi) form_ = Form::cgi;
}

size_t AnswerReader::feed(std::span<char> bytes) {
  if (protocol_ != Protocol::fastcgi) return feed_plain(bytes);
  const size_t out = records_.feed(bytes);
  const size_t body = feed_plain(bytes.first(out));
  after_records();
  return body;
}

void AnswerReader::after_records() {
  using Records = fastcgi::AnswerRecords;
  excess_ |= records_.excess();
  if (state_ != State::head && state_ != State::body) return;
  if (records_.state() == Records::State::broken)
    fail("the backend does not speak FastCGI");
  else if (records_.state() != Records::State::ended)
    return;
  else if (records_.protocol_status() != 0)
    fail(fault_of_end(records_.protocol_status()));
  else if (state_ == State::head)
    fail("the answer ended before its head did");
  else if (has_body_ && content_length_ && cgi_left_ > 0)
    fail("the answer is shorter than its Content-Length");
  else if (records_.complete())
    state_ = State::complete;
}

size_t AnswerReader::feed_plain(std::span<char> bytes) {
  if (bytes.empty()) return 0;
  switch (state_) {
    case State::head:
      return feed_head(bytes);
    case State::body:
      return feed_body(bytes);
    case State::upgraded:
      return bytes.size();
    case State::complete:
    case State::broken:
      excess_ = true;
      return 0;
  }
  return 0;
}

size_t AnswerReader::feed_head(std::span<char> bytes) {
  const std::string_view piece(bytes.data(), bytes.size());
  const size_t before = head_.size();
  std::optional<size_t> size;
  if (before == 0) {
    // Mostly the whole head comes at once: only it is copied, not the body behind it.
    size = read_head(piece);
    if (state_ == State::broken) return 0;
    head_.assign(piece.substr(0, size.value_or(piece.size())));
  } else {
    head_ += piece.substr(0, kMaxHead + 1 - before);
    size = read_head(head_);
    if (state_ == State::broken) return 0;
    if (size) head_.resize(*size);
  }
  if (size.value_or(head_.size()) > kMaxHead) {
    fail("the head of the answer is too large");
    return 0;
  }
  if (!size) return 0;
  const size_t used = *size - before;
  if (message_)
    settle_http(*message_);
  else
    settle_cgi();
  if (used == bytes.size() || state_ == State::broken) return 0;
  const std::span<char> rest = bytes.subspan(used);
  // Behind an interim answer the next head follows; else the body.
  const size_t body = feed_plain(rest);
  if (body > 0) std::memmove(bytes.data(), rest.data(), body);
  return body;
}

std::optional<size_t> AnswerReader::read_head(std::string_view text) {
  if (form_ == Form::unknown) choose_form(text);
  if (form_ == Form::unknown) return std::nullopt;
  return form_ == Form::http ? read_http_head(text) : read_cgi_head(text);
}

void AnswerReader::choose_form(std::string_view text) {
  if (text.starts_with(kHttp))
    form_ = Form::http;
  else if (!kHttp.starts_with(text))
    form_ = Form::cgi;
}

std::optional<size_t> AnswerReader::read_http_head(std::string_view text) {
  if (!message_) {
    message_.emplace(HttpMessage::Kind::answer);
    if (asked_.head) message_->expect_no_body();
  }
  switch (message_->read_head(text)) {
    case HttpMessage::State::head:
      return std::nullopt;
    case HttpMessage::State::broken:
      fail(message_->too_large() ? "the head of the answer is too large"
                                 : "the head of the answer is not HTTP");
      return std::nullopt;
    case HttpMessage::State::body:
    case HttpMessage::State::complete:
      return message_->head_size();
  }
  return std::nullopt;
}

std::optional<size_t> AnswerReader::read_cgi_head(std::string_view text) {
  return cgi_.find_end(text);
}

void AnswerReader::settle_http(HttpMessage& message) {
  message.read_head(head_);  // views now point into what is kept
  status_ = message.status();
  if (status_ < 100 || message.version_major() != 1)
    return fail("the status line of the answer is not valid");
  const bool whole = message.state() == HttpMessage::State::complete;
  if (status_ < 200 && !whole) return fail("an interim answer has a body");
  if (status_ < 200 && status_ != 101) return settle_interim();
  if (status_ == 101 && !asked_.upgrade) return fail("an upgrade that was not asked for");
  reason_ = message.reason();
  settle_fields(message.fields());
  if (state_ == State::broken) return;
  has_body_ = !asked_.head && status_ != 101 && status_ != 204 && status_ != 304;
  if (status_ == 101)
    state_ = State::upgraded;
  else
    state_ = whole ? State::complete : State::body;
}

void AnswerReader::settle_interim() {
  if (++interim_ > kMaxInterim) return fail("too many interim answers");
  message_.reset();
  head_.clear();
  status_ = 0;
}

void AnswerReader::settle_cgi() {
  if (!cgi_.read(head_)) return fail("the head of the answer is not one of CGI");
  status_ = cgi_.status();
  if (status_ < 200) return fail("the status of the answer is not valid");
  reason_ = cgi_.reason();
  settle_fields(cgi_.fields());
  if (state_ == State::broken) return;
  has_body_ = !asked_.head && status_ != 204 && status_ != 304;
  cgi_left_ = content_length_.value_or(0);
  const bool over = !has_body_ || (content_length_ && cgi_left_ == 0);
  // A FastCGI answer ends by its record only.
  state_ = over && protocol_ != Protocol::fastcgi ? State::complete : State::body;
}

void AnswerReader::settle_fields(const std::vector<HttpField>& fields) {
  if (!is_field_value(reason_))
    return fail("the reason of the answer has control characters");
  fields_.reserve(fields.size());
  for (const HttpField& field : fields) {
    if (!is_token(field.name) || !is_field_value(field.value))
      return fail("a field of the answer has invalid characters");
    const HttpField clean{field.name, trimmed(field.value)};
    const bool tunnels = status_ == 101 && (same_name(clean.name, "Connection") ||
                                            same_name(clean.name, "Upgrade"));
    // The length is the message's, whatever Connection says of it.
    const bool named =
        is_named(fields, clean.name) && !same_name(clean.name, "Content-Length");
    const bool passed = tunnels || (!is_left_out(clean.name) && !named);
    if (settle_framing(clean) && passed) fields_.push_back(clean);
    if (state_ == State::broken) return;
  }
}

/// Takes note of what a field says about the end of the body; whether it is passed on.
bool AnswerReader::settle_framing(const HttpField& field) {
  if (form_ == Form::http && same_name(field.name, "Transfer-Encoding")) {
    if (!same_name(field.value, "chunked") || std::exchange(has_encoding_, true))
      fail("the transfer encoding of the answer is not known");
    return false;
  }
  if (!same_name(field.name, "Content-Length")) return true;
  const auto length = parse_content_length(field.value);
  const bool repeated = content_length_.has_value();
  if (!length || (repeated && content_length_ != *length))
    fail("the Content-Length of the answer is not valid");
  else
    content_length_ = *length;
  return !repeated && status_ != 204;
}

size_t AnswerReader::feed_body(std::span<char> bytes) {
  if (form_ == Form::cgi) return feed_cgi_body(bytes);
  const auto piece = message_->read_body(bytes);
  if (message_->state() == HttpMessage::State::broken) {
    fail("the body of the answer is not well-formed");
  } else if (message_->state() == HttpMessage::State::complete) {
    state_ = State::complete;
    if (piece.consumed < bytes.size()) excess_ = true;
  }
  return piece.body;
}

size_t AnswerReader::feed_cgi_body(std::span<char> bytes) {
  if (!has_body_) return 0;  // programs print one for HEAD as well
  if (!content_length_) return bytes.size();
  const size_t part = static_cast<size_t>(std::min<uint64_t>(bytes.size(), cgi_left_));
  cgi_left_ -= part;
  if (part < bytes.size()) excess_ = true;
  if (cgi_left_ == 0 && protocol_ != Protocol::fastcgi) state_ = State::complete;
  return part;
}

AnswerReader::State AnswerReader::end_of_stream() {
  if (state_ == State::head) {
    fail(head_.empty() && interim_ == 0 ? "no answer came"
                                        : "the answer ended before its head did");
  } else if (state_ == State::body && form_ == Form::http) {
    if (message_->end_of_stream() == HttpMessage::State::complete)
      state_ = State::complete;
    else
      fail("the answer ended early");
  } else if (state_ == State::body) {
    // Without its last record a FastCGI answer is whole only if its length says so.
    const bool whole =
        !has_body_ || (content_length_ ? cgi_left_ == 0 : protocol_ != Protocol::fastcgi);
    const bool ended = records_.state() == fastcgi::AnswerRecords::State::ended;
    if (whole || ended)
      state_ = State::complete;
    else
      fail("the answer ended early");
  }
  excess_ = true;
  return state_;
}

bool AnswerReader::reusable() const {
  if (state_ != State::complete || excess_) return false;
  if (protocol_ == Protocol::fastcgi) return records_.complete();
  if (protocol_ != Protocol::http) return false;
  const bool old_chunks = message_->version_minor() == 0 && message_->chunked();
  return message_->keep_alive() && message_->framed() && !old_chunks;
}

void AnswerReader::fail(std::string_view fault) {
  if (state_ == State::broken) return;
  state_ = State::broken;
  fault_ = fault;
}

}  // namespace router
