#include "router/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace router {

namespace {

constexpr base::Duration kLookEvery = std::chrono::seconds(1);

base::Result<base::Fd> open_log(const std::string& path) {
  base::Fd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640));
  if (!file) return base::fail_errno("open " + path);
  return file;
}

}  // namespace

base::Result<AccessLog> AccessLog::open(std::string path, AccessFormat format) {
  TRY_ASSIGN(base::Fd file, open_log(path));
  return AccessLog(std::move(path), format, std::move(file));
}

base::Result<> AccessLog::reopen() {
  if (!file_) return {};
  TRY_ASSIGN(base::Fd file, open_log(path_));
  file_ = std::move(file);
  return {};
}

bool AccessLog::moved_away() const {
  struct stat named{};
  struct stat held{};
  if (::fstat(file_.get(), &held) != 0) return false;
  return ::stat(path_.c_str(), &named) != 0 || named.st_ino != held.st_ino ||
         named.st_dev != held.st_dev;
}

void AccessLog::write(const Served& served) {
  if (!file_) return;
  if (const auto now = base::Clock::now(); now - looked_ > kLookEvery) {
    looked_ = now;
    if (moved_away()) static_cast<void>(reopen());
  }
  const std::string line = access_line(format_, served, std::chrono::system_clock::now());
  // One write(2) per line: lines of several processes do not mix. A full disk costs lines
  // only.
  static_cast<void>(::write(file_.get(), line.data(), line.size()));
}

}  // namespace router
