// Trust: may this file decide what runs on the machine?
//
// Pure but for directory_of(): looks at owners and modes that somebody else has fetched.
// Without tyrant mode whoever can write a vassal file or its directory can run code as
// any user, so only the emperor's own user and root may be able to, unless the operator
// says `trusted`.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace emperor {

/// What stat(2) says about a file or directory.
struct Ownership {
  std::string path;
  uid_t uid = 0;
  mode_t mode = 0;
};

/// The directory that `path` stands in; nothing if it is gone.
std::optional<Ownership> directory_of(const std::string& path);

/// Why others than root and `self` can put files into `directory`; nothing if nobody can.
std::optional<std::string> distrust_place(const Ownership& directory, uid_t self);

/// Why `file` in `directory` must not be taken, naming the path, the owner and the cure;
/// nothing if it may. `self` is the user the emperor runs as.
std::optional<std::string> distrust(const Ownership& file,
                                    const Ownership& directory,
                                    uid_t self);

/// Why what was read must not be taken, although the operator trusts whom a file belongs
/// to: text of somebody else's that was read with the rights of `reader`, root or us,
/// could name any file.
std::optional<std::string> distrust_opened(const Ownership& file,
                                           uid_t reader,
                                           uid_t self);

/// The same in tyrant mode, where a vassal runs as the owner of its file: then anybody
/// may own a file, as long as nobody else can write it or put a link in its place.
/// `link`: the name is a symbolic link to `file`.
std::optional<std::string> distrust_tyrant(const Ownership& file,
                                           bool link,
                                           const Ownership& directory,
                                           uid_t self);

}  // namespace emperor
