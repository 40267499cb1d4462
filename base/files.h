// Small files, read and written whole and with bounds.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace base {

/// The content of an open file. EFBIG if it holds more than `limit` bytes. Leaves no copy
/// behind, if it is a regular file that does not grow.
Result<std::string> read_fd(int fd, size_t limit);
/// The content of a file of ours. Not for files of tenants: see vassal/reader.
Result<std::string> read_file(const std::filesystem::path& path, size_t limit);
/// Writes beside `path` and renames over it, so that readers see the old or the new
/// content.
Result<> write_file(const std::filesystem::path& path,
                    std::string_view content,
                    mode_t mode = 0644);

}  // namespace base
