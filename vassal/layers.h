// Defaults and policy are read once and serve every vassal: this fits such a layer to one
// of them. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/ini_world.h"
#include "vassal/config.h"

namespace vassal {

/// Whether a layer's `%(key)` may be filled from the vassal's own file.
enum class Placeholders { from_vassal, own_only };

/// A copy of `layer` in which %N, %P, %D and the other capitals speak of `vassal_file`,
/// and, for defaults, `%(key)` that the layer left open is filled from the vassal's
/// settings. A policy takes nothing that a tenant wrote.
std::vector<base::Setting> fit_layer(const std::vector<base::Setting>& layer,
                                     const std::string& vassal_file,
                                     const std::vector<base::Setting>& vassal,
                                     Placeholders placeholders);

/// Settings that the operator wrote for every vassal, without a file (vassal-set): magic
/// variables speak of the vassal's file, placeholders are filled from its settings. Their
/// origin is kOperatorOrigin.
inline constexpr char kOperatorOrigin[] = "vassal-set";
std::vector<base::Setting> fit_settings(
    const std::vector<std::pair<std::string, std::string>>& pairs,
    const std::string& vassal_file,
    const std::vector<base::Setting>& vassal);

}  // namespace vassal
