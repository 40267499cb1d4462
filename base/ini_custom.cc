#include "base/ini_custom.h"

#include <algorithm>

#include "base/ini.h"

namespace base {

namespace {

constexpr size_t kMostWords = 32;
constexpr size_t kMostBytes =
    65536;  // of one value: a hostile pattern repeats $1 thousands of times

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// From the highest number down, so that $1 does not eat the beginning of $10.
std::string with_words(std::string_view pattern,
                       const std::vector<std::string_view>& words) {
  std::string out(pattern);
  for (size_t number = std::min(words.size(), kMostWords); number > 0; --number) {
    const std::string mark = "$" + std::to_string(number);
    for (size_t at = out.find(mark); at != out.npos && out.size() <= kMostBytes;
         at = out.find(mark, at)) {
      out.replace(at, mark.size(), words[number - 1]);
      at += words[number - 1].size();
    }
  }
  return out;
}

}  // namespace

bool CustomOptions::declare(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) return false;
  declared_[std::string(strip(text.substr(0, equals)))] =
      std::string(text.substr(equals + 1));
  return true;
}

std::vector<Setting> CustomOptions::expand(const Setting& s) const {
  std::vector<Setting> out;
  const auto found = declared_.find(s.key);
  if (found == declared_.end()) return out;
  const auto words = split(s.value, ' ');
  for (const auto part : split(found->second, ';')) {
    const size_t equals = std::min(part.find('='), part.size());
    const auto value = part.substr(std::min(equals + 1, part.size()));
    out.push_back(
        {std::string(strip(part.substr(0, equals))), with_words(value, words), s.origin});
  }
  return out;
}

}  // namespace base
