// Putting log files away: NAME becomes NAME.1, NAME.1 becomes NAME.2, and so on.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"

namespace emperor {

/// `path` and the names that it gets when it is put away, newest first.
std::vector<std::string> rotated_names(const std::string& path, uint32_t keep);

/// Moves every file one name on; the last one is lost. No system call follows a link.
/// 0 or an errno. System calls only: children with a tenant's ids use it after clone.
int put_away(std::span<const std::string> names);

/// Removes from our own directory of logs what is left of vassals that are gone: what was
/// put away, and the last files but for the `most` that were written latest. `in_use`:
/// the names (without directory) of the others' logs.
void remove_old_logs(const std::string& directory,
                     const std::set<std::string>& in_use,
                     size_t most);

/// A log of ours, in a directory that nobody else can write: for appending, readable.
base::Result<base::Fd> open_own_log(const std::string& path);

}  // namespace emperor
