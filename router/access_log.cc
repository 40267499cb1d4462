#include "router/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include <fmt/core.h>

namespace router {

base::Result<AccessLog> AccessLog::open(const std::string& path) {
  base::Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!file) return base::fail_errno("open " + path);
  return AccessLog(std::move(file));
}

void AccessLog::note(std::string_view door, std::string_view host, int status) {
  if (!file_) return;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> when;
  const size_t size =
      std::strftime(when.data(), when.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  const std::string line = fmt::format(
      "{} {} {} {}\n", std::string_view(when.data(), size), door,
      host.empty() ? "-" : host, status == 0 ? "handed-over" : std::to_string(status));
  // One write(2) per line: lines of several processes do not mix. A full disk costs lines
  // only.
  static_cast<void>(::write(file_.get(), line.data(), line.size()));
}

}  // namespace router
