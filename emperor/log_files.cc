#include "emperor/log_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace emperor {

namespace fs = std::filesystem;

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

void remove_old_logs(const std::string& directory,
                     const std::set<std::string>& in_use,
                     size_t most) {
  constexpr std::string_view kEnd = ".log";
  std::vector<std::pair<fs::file_time_type, fs::path>> last;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    const size_t dot = name.rfind(kEnd);
    if (dot == name.npos || in_use.contains(name.substr(0, dot + kEnd.size()))) continue;
    std::error_code gone;
    if (dot + kEnd.size() < name.size())
      fs::remove(at->path(), gone);
    else
      last.emplace_back(at->last_write_time(gone), at->path());
  }
  std::ranges::sort(last, std::greater());
  for (size_t i = most; i < last.size(); ++i)
    fs::remove(last[i].second, error);
}

base::Result<base::Fd> open_own_log(const std::string& path) {
  base::Fd fd(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) return base::fail_errno("open " + path);
  return fd;
}

}  // namespace emperor
