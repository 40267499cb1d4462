#include "base/wire/host_pattern.h"

namespace wire {

namespace {
constexpr std::string_view kWildcard = "*.";
}  // namespace

bool covers(std::string_view pattern, std::string_view domain) {
  if (pattern == "*" || pattern == domain) return true;
  if (!pattern.starts_with(kWildcard)) return false;
  if (domain.starts_with(kWildcard)) domain.remove_prefix(kWildcard.size());
  pattern.remove_prefix(1);  // the dot stays: "xexample" is not below "example"
  return domain.size() > pattern.size() && domain.ends_with(pattern);
}

}  // namespace wire
