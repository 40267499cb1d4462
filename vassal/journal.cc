#include "vassal/journal.h"

#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <string>

namespace vassal {

void say(Level level, std::string_view line) {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  tm local{};
  ::localtime_r(&now.tv_sec, &local);
  std::array<char, 64> stamp{};
  std::array<char, 16> zone{};
  std::array<char, 96> head{};
  std::strftime(stamp.data(), stamp.size(), "%Y-%m-%dT%H:%M:%S", &local);
  std::strftime(zone.data(), zone.size(), "%z", &local);
  const char* name = level == Level::info   ? "info"
                     : level == Level::warn ? "warning"
                                            : "error";
  std::snprintf(head.data(), head.size(), "%s.%03d%s %s [vassal] ", stamp.data(),
                static_cast<int>(now.tv_usec / 1000), zone.data(), name);
  std::string whole(head.data());
  whole.append(line).append("\n");
  // A log that cannot be written is nobody's reason to stop serving.
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace vassal
