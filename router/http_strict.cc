#include "router/http_strict.h"

#include <algorithm>

namespace router {

namespace {

/// More digits than this do not fit into the bytes that anybody could send.
constexpr unsigned kMostDigits = 15;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_control(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && c != '\t') || u == 0x7f;
}

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

}  // namespace

bool is_strict_head(std::string_view head) {
  while (head.starts_with("\r\n"))  // in front of the request line (section 2.2)
    head.remove_prefix(2);
  const std::string_view first = head.substr(0, head.find("\r\n"));
  if (std::ranges::count(first, ' ') != 2) return false;
  for (size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    if (c == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return false;
    if (c != '\n') continue;
    if (i == 0 || head[i - 1] != '\r') return false;
    if (i + 1 < head.size() && is_blank(head[i + 1])) return false;
  }
  return true;
}

bool StrictChunks::feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::complete && state_ != State::broken) {
    if (state_ == State::data) {
      const auto taken = std::min<uint64_t>(left_, bytes.size());
      bytes.remove_prefix(static_cast<size_t>(taken));
      left_ -= taken;
      if (left_ == 0) state_ = State::data_cr;
    } else {
      state_ = next(bytes.front());
      bytes.remove_prefix(1);
    }
  }
  return state_ != State::broken;
}

StrictChunks::State StrictChunks::expect(char c, char wanted, State then) {
  return c == wanted ? then : State::broken;
}

StrictChunks::State StrictChunks::in_text(char c, State stay, State end) {
  if (c == '\r') return end;
  return is_control(c) ? State::broken : stay;
}

StrictChunks::State StrictChunks::after_size(char c) {
  if (c == ';') return State::extension;
  return is_blank(c) ? State::before_more : State::broken;
}

StrictChunks::State StrictChunks::in_size(char c) {
  if (const int digit = hex(c); digit >= 0) {
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return ++digits_ > kMostDigits ? State::broken : State::size;
  }
  if (digits_ == 0) return State::broken;
  return c == '\r' ? State::size_lf : after_size(c);
}

StrictChunks::State StrictChunks::in_name(char c) {
  return is_token_char(c) ? State::name : State::broken;
}

StrictChunks::State StrictChunks::next(char c) {
  switch (state_) {
    case State::size:
      return in_size(c);
    case State::before_more:
      return after_size(c);
    case State::extension:
      return in_text(c, State::extension, State::size_lf);
    case State::size_lf:
      digits_ = 0;
      return expect(c, '\n', left_ == 0 ? State::line : State::data);
    case State::data_cr:
      return expect(c, '\r', State::data_lf);
    case State::data_lf:
      return expect(c, '\n', State::size);
    case State::line:
      return c == '\r' ? State::last_lf : in_name(c);
    case State::name:
      return c == ':' ? State::value : in_name(c);
    case State::value:
      return in_text(c, State::value, State::value_lf);
    case State::value_lf:
      return expect(c, '\n', State::line);
    case State::last_lf:
      return expect(c, '\n', State::complete);
    case State::data:
    case State::complete:
    case State::broken:
      break;
  }
  return state_;
}

}  // namespace router
