#include "base/nearest.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace base {

namespace {

constexpr size_t kLongest = 64;

size_t tolerated(size_t length) {
  return length < 6 ? 1 : length < 10 ? 2 : 3;
}

}  // namespace

// Damerau's distance of adjacent swaps, three rows at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string_view nearest_name(std::string_view wrong,
                              std::span<const std::string_view> names) {
  if (wrong.size() > kLongest) return {};
  std::string dashed(wrong);
  std::ranges::replace(dashed, '_', '-');
  std::string_view best;
  size_t best_distance = tolerated(wrong.size()) + 1;
  for (const std::string_view name : names) {
    if (name.size() + best_distance < dashed.size() ||
        dashed.size() + best_distance < name.size())
      continue;
    const size_t distance = edit_distance(dashed, name);
    if (distance >= best_distance || distance * 2 > name.size()) continue;
    best = name;
    best_distance = distance;
  }
  return best;
}

}  // namespace base
