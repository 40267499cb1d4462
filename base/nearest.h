// The known name that somebody who mistyped most likely meant.
#pragma once

#include <span>
#include <string_view>

namespace base {

/// The name within a short edit distance of `wrong` (swapped neighbours count once, '_'
/// for '-' not at all); empty if none is near.
std::string_view nearest_name(std::string_view wrong,
                              std::span<const std::string_view> names);

/// Insertions, deletions, replacements and swaps that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace base
