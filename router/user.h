// Whom a router that runs alone becomes. Under an emperor it is started as that already.
#pragma once

#include <string>

#include "base/result.h"

namespace router {

/// Gives up every right but those of `user` and `group`, names or numbers; without a
/// group, the user's own. Nothing happens if both are empty. Supplementary groups go,
/// too.
base::Result<> become(const std::string& user, const std::string& group);

}  // namespace router
