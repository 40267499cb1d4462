#include "router/http_field.h"

#include <algorithm>
#include <array>

#include "router/http_message.h"

namespace router {

namespace {

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, is_control);
}

bool is_of_this_hop(std::string_view name) {
  constexpr std::array<std::string_view, 6> kHop{
      "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Trailer"};
  return std::ranges::any_of(kHop, [&](auto other) { return same_name(name, other); });
}

bool lists(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (same_name(trimmed(list.substr(0, comma)), name)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace router
