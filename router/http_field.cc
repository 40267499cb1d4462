#include "router/http_field.h"

#include <algorithm>
#include <array>

#include "router/http_message.h"

namespace router {

namespace {

constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"
                                       "0123456789"
                                       "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenChars[static_cast<unsigned char>(c)];
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool is_field_value(std::string_view text) {
  // Every byte is looked at, without a branch: so the compiler takes many at a time.
  bool control = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    control |= (byte < 0x20 && byte != '\t') || byte == 0x7f;
  }
  return !control;
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
