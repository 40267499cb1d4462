// Library: the only door to libcgroup; everything above it speaks in controllers, paths
// and values.
//
// What libcgroup 2.0.2 gets wrong is put right here: a delete that finds the group busy
// reports success, a delete without CGFLAG_DELETE_EMPTY_ONLY moves live tasks up into the
// unlimited parent, and an "already there" is also said when a file of the kernel's
// stands in the way. Paths are below the mount point ("/imperium/blog").
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cgroups::library {

/// Reads the mount table. Once per process and before everything else; again only after
/// mounts changed.
base::Result<> init();

/// Makes one group (its parent exists) with `controllers`, which share a hierarchy. On v2
/// this enables them in the parent's cgroup.subtree_control, and only there. An existing
/// group is fine.
base::Result<> make(const std::string& path, std::span<const std::string> controllers);

/// Writes one value. The error names the file.
base::Result<> write(const std::string& path,
                     const std::string& controller,
                     const std::string& file,
                     const std::string& value);

/// The whole content of one file. ENOENT if it is not there.
base::Result<std::string> read(const std::string& path,
                               const std::string& controller,
                               const std::string& file);

/// Removes an empty group; one that is gone already is fine. EBUSY: processes or groups
/// are inside.
base::Result<> remove(const std::string& path, const std::string& controller);

}  // namespace cgroups::library
