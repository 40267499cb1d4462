#include "vassal/layers.h"

#include <algorithm>
#include <optional>

#include "base/ini_magic.h"
#include "base/ini_substitute.h"

namespace vassal {

namespace {

constexpr size_t kMostBytes =
    65536;  // of one filled value; beyond it the text stays as written

std::string fill(const std::string& text, const std::vector<base::Setting>& vassal) {
  const auto value_of = [&](std::string_view key) -> std::optional<std::string> {
    const auto it = std::ranges::find(vassal, key, &base::Setting::key);
    return it == vassal.end() ? std::nullopt : std::optional(it->value);
  };
  size_t produced = 0;
  auto out = base::replace_calls(
      text, '%', [&](std::string_view inner) -> std::optional<std::string> {
        if (produced > kMostBytes) return std::nullopt;
        auto value = base::evaluate_placeholder(inner, value_of);
        if (value) produced += value->size();
        return value;
      });
  return produced > kMostBytes ? text : out;
}

}  // namespace

std::vector<base::Setting> fit_layer(const std::vector<base::Setting>& layer,
                                     const std::string& vassal_file,
                                     const std::vector<base::Setting>& vassal,
                                     Placeholders placeholders) {
  const base::MagicFile top{vassal_file, vassal_file, 0};
  std::vector<base::Setting> out = layer;
  for (base::Setting& s : out) {
    if (s.value.find("%(") == s.value.npos) continue;
    s.value = base::bind_capitals(s.value, {}, top);
    if (placeholders == Placeholders::from_vassal) s.value = fill(s.value, vassal);
  }
  return out;
}

std::vector<base::Setting> fit_settings(
    const std::vector<std::pair<std::string, std::string>>& pairs,
    const std::string& vassal_file,
    const std::vector<base::Setting>& vassal) {
  const base::IniWorld world;
  const base::MagicFile top{vassal_file, vassal_file, 0};
  const base::Magic magic{world, top, top};
  std::vector<base::Setting> out;
  out.reserve(pairs.size());
  for (const auto& [key, value] : pairs)
    out.push_back(
        {key, fill(magic.apply(value, nullptr), vassal), {kOperatorOrigin, 0}, true});
  return out;
}

}  // namespace vassal
