// Defaults and policy are read once and serve every vassal: this fits such a layer to one
// of them. Pure.
#pragma once

#include <string>
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

}  // namespace vassal
