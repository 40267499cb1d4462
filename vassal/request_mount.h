// Mounts: which application of a vassal serves a request, and what it sees as its own
// path.
//
// Pure. `/foo` matches `/foo` and `/foo/bar`, never `/foobar`; the longest prefix wins.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "vassal/request.h"

namespace vassal {

/// Whether `path` is `prefix` or lies below it; "" and "/" hold everything.
bool path_below(std::string_view path, std::string_view prefix);

/// The index of the application for the request; `prefixes[i]` is where application i is
/// mounted,
/// "" for the one that was not. With `manage_script_name` the mount point moves from
/// PATH_INFO to SCRIPT_NAME; without it, SCRIPT_NAME from the wire chooses. The first is
/// the default.
size_t choose_mount(Request& request,
                    std::span<const std::string> prefixes,
                    bool manage_script_name);

}  // namespace vassal
