#include "emperor/log_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

namespace emperor {

std::vector<std::string> rotated_names(const std::string& path, uint32_t keep) {
  std::vector<std::string> names{path};
  for (uint32_t i = 1; i <= keep; ++i)
    names.push_back(path + "." + std::to_string(i));
  return names;
}

int put_away(std::span<const std::string> names) {
  if (names.size() == 1)
    return ::unlink(names[0].c_str()) == 0 || errno == ENOENT ? 0 : errno;
  for (size_t i = names.size() - 1; i > 0; --i)
    if (::rename(names[i - 1].c_str(), names[i].c_str()) != 0 && errno != ENOENT)
      return errno;
  return 0;
}

base::Result<base::Fd> open_own_log(const std::string& path) {
  base::Fd fd(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) return base::fail_errno("open " + path);
  return fd;
}

}  // namespace emperor
