// A log file that a vassal's file names (`logto`): opened for appending by a short-lived
// child with the tenant's ids, so that nothing is written that the tenant could not write
// himself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "emperor/tenant_child.h"
#include "vassal/identity.h"

namespace emperor {

struct TenantLog {
  base::Fd fd;
  /// The tenant may not rename it: it was emptied instead of being put away.
  bool emptied = false;
};

/// Opens or makes the file. Links as last component, what is no regular file, and file
/// systems that a user serves (who could make our writes hang) are refused. `put_away`:
/// the file and the names it moves on to before (rotated_names()), or nothing. A tenant
/// can make it take 3 s, no more; `strays` is where children go that then hang.
uvx::Task<base::Result<TenantLog>> open_tenant_log(
    uvx::Loop& loop,
    std::string path,
    std::optional<vassal::Identity> identity,
    Strays& strays,
    std::vector<std::string> put_away = {});

/// Whose children those are.
uid_t owner_of(const std::optional<vassal::Identity>& identity);

}  // namespace emperor
