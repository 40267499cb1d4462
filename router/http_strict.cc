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

StrictChunks::State StrictChunks::after_size(char c) {
  if (c == '\r') return State::size_lf;
  if (c == ';') return State::extension;
  return is_blank(c) ? State::before_more : State::broken;
}

StrictChunks::State StrictChunks::next(char c) {
  switch (state_) {
    case State::size:
      if (const int digit = hex(c); digit >= 0) {
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        return ++digits_ > kMostDigits ? State::broken : State::size;
      }
      return digits_ == 0 ? State::broken : after_size(c);
    case State::before_more:
      return c == '\r' ? State::broken : after_size(c);
    case State::extension:
      if (c == '\r') return State::size_lf;
      return is_control(c) ? State::broken : State::extension;
    case State::size_lf:
      digits_ = 0;
      if (c != '\n') return State::broken;
      return left_ == 0 ? State::line : State::data;
    case State::data_cr:
      return c == '\r' ? State::data_lf : State::broken;
    case State::data_lf:
      return c == '\n' ? State::size : State::broken;
    case State::line:
      if (c == '\r') return State::last_lf;
      return is_token_char(c) ? State::name : State::broken;
    case State::name:
      if (c == ':') return State::value;
      return is_token_char(c) ? State::name : State::broken;
    case State::value:
      if (c == '\r') return State::value_lf;
      return is_control(c) ? State::broken : State::value;
    case State::value_lf:
      return c == '\n' ? State::line : State::broken;
    case State::last_lf:
      return c == '\n' ? State::complete : State::broken;
    case State::data:
    case State::complete:
    case State::broken:
      break;
  }
  return state_;
}

}  // namespace router
