// The value forms of options: flags, numbers, sizes, durations, per cent, octal modes.
// Pure; each says what it could not use instead of guessing.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace base {

/// uWSGI's rule: false, off, no (any case) and 0 are off, anything else and nothing at
/// all is on.
bool parse_flag(std::string_view text);
/// A word that people write for on or off, or nothing at all; what else is on too
/// deserves a warning.
bool is_flag_word(std::string_view text);

/// The number that a text begins with, as strtol(3) sees it.
struct LeadingNumber {
  int64_t value = 0;
  bool exact = true;  ///< false: something follows, or there is no digit
};
LeadingNumber parse_leading_number(std::string_view text);

/// Wholly decimal and not negative.
std::optional<uint64_t> parse_unsigned(std::string_view text);
/// "268435456", "256M", "1.5G", "256MiB", "64kb": bytes, in powers of 1024.
std::optional<uint64_t> parse_size(std::string_view text);
/// "300", "300s", "5m", "1h".
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
/// "50%", "200%", at least 1%.
std::optional<uint32_t> parse_percent(std::string_view text);
/// Three or four octal digits.
std::optional<mode_t> parse_mode(std::string_view text);

}  // namespace base
