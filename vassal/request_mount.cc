#include "vassal/request_mount.h"

#include <optional>

namespace vassal {

bool path_below(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.empty();
}

namespace {

std::optional<size_t> longest_mount(std::string_view path,
                                    std::span<const std::string> prefixes) {
  std::optional<size_t> best;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    if (prefixes[i].empty() || !path_below(path, prefixes[i])) continue;
    if (!best || prefixes[i].size() > prefixes[*best].size()) best = i;
  }
  return best;
}

}  // namespace

size_t choose_mount(Request& request,
                    std::span<const std::string> prefixes,
                    bool manage_script_name) {
  if (manage_script_name) {
    const auto best = longest_mount(request.path_info, prefixes);
    if (!best) return 0;
    std::string_view prefix = prefixes[*best];
    while (prefix.ends_with('/'))
      prefix.remove_suffix(1);
    request.script_name = prefix;
    request.path_info.remove_prefix(prefix.size());
    return *best;
  }
  for (size_t i = 0; i < prefixes.size(); ++i)
    if (!request.script_name.empty() && request.script_name == prefixes[i]) return i;
  return 0;
}

}  // namespace vassal
