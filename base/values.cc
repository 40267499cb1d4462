#include "base/values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string>

namespace base {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The number that is the whole text, if it is one.
template <class Number, class... Base>
std::optional<Number> whole(std::string_view text, Base... base) {
  Number value{};
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::count(words, lower(text)) > 0;
}

constexpr std::array<std::string_view, 4> kOff = {"false", "off", "no", "0"};
constexpr std::array<std::string_view, 5> kOn = {"", "true", "on", "yes", "1"};

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kSizes = {
    Unit{"", 1},         Unit{"b", 1},        Unit{"k", 0x1p10},   Unit{"kb", 0x1p10},
    Unit{"kib", 0x1p10}, Unit{"m", 0x1p20},   Unit{"mb", 0x1p20},  Unit{"mib", 0x1p20},
    Unit{"g", 0x1p30},   Unit{"gb", 0x1p30},  Unit{"gib", 0x1p30}, Unit{"t", 0x1p40},
    Unit{"tb", 0x1p40},  Unit{"tib", 0x1p40},
};

}  // namespace

bool parse_flag(std::string_view text) {
  return !is_one_of(text, kOff);
}

bool is_flag_word(std::string_view text) {
  return is_one_of(text, kOff) || is_one_of(text, kOn);
}

LeadingNumber parse_leading_number(std::string_view text) {
  LeadingNumber out;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), out.value);
  if (error == std::errc::result_out_of_range)
    out.value = text.starts_with('-') ? INT64_MIN : INT64_MAX;
  out.exact = error == std::errc() && stop == text.data() + text.size();
  return out;
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  return whole<uint64_t>(text);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  if (const auto plain = parse_unsigned(text)) return plain;
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = whole<double>(text.substr(0, digits));
  if (!number) return std::nullopt;
  const size_t unit_at = std::min(text.find_first_not_of(' ', digits), text.size());
  const auto unit = std::ranges::find(kSizes, lower(text.substr(unit_at)), &Unit::name);
  if (unit == kSizes.end() || *number * unit->factor >= 0x1p63) return std::nullopt;
  return static_cast<uint64_t>(std::floor(*number * unit->factor));
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  uint64_t factor = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'h':
        factor = 3600;
        break;
      case 'm':
        factor = 60;
        break;
      case 's':
        break;
      default:
        factor = 0;
        break;
    }
    if (factor == 0)
      factor = 1;
    else
      text.remove_suffix(1);
  }
  const auto number = parse_unsigned(text);
  constexpr uint64_t kLongest = uint64_t{100} * 365 * 86400;
  if (!number || *number > kLongest / factor) return std::nullopt;
  return std::chrono::seconds(*number * factor);
}

std::optional<uint32_t> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  const auto number = parse_unsigned(text.substr(0, text.find_last_not_of(" %") + 1));
  if (!number || *number < 1 || *number > 1'000'000) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<mode_t> parse_mode(std::string_view text) {
  if (text.size() < 3 || text.size() > 4) return std::nullopt;
  return whole<mode_t>(text, 8);
}

}  // namespace base
