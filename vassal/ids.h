// Users and groups of this machine by name or number.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace vassal {

/// The id that this machine gives a user (a group), or the number that `text` is; an
/// error that names it.
base::Result<uid_t> user_id(const std::string& text);
base::Result<gid_t> group_id(const std::string& text);

}  // namespace vassal
