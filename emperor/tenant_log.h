// A log file that a vassal's file names (`logto`): opened for appending by a short-lived
// child with the tenant's ids, so that nothing is written that the tenant could not write
// himself.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "vassal/identity.h"

namespace emperor {

/// Opens or makes the file. Links as last component and what is no regular file are
/// refused.
uvx::Task<base::Result<base::Fd>> open_tenant_log(
    uvx::Loop& loop, std::string path, std::optional<vassal::Identity> identity);

}  // namespace emperor
