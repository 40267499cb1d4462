#include "emperor/history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ranges>
#include <vector>

#include "base/fd.h"
#include "base/log.h"

namespace emperor {

namespace {
constexpr std::array<std::string_view, kDeathKinds> kNames = {
    "unseen",        "exit",        "signal",     "out-of-memory", "spawn",
    "start-timeout", "application", "on-purpose", "heartbeat"};
}  // namespace

std::string_view name_of(DeathKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

void History::add(Death death) {
  if (death.reason.size() > kMostReason) death.reason.resize(kMostReason);
  deaths_.push_back(std::move(death));
  if (deaths_.size() > kMost) deaths_.pop_front();
}

void History::set_log(uint64_t generation, std::string lines) {
  for (Death& death : deaths_ | std::views::reverse)
    if (death.generation == generation) {
      death.log = std::move(lines);
      return;
    }
}

std::string last_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < History::kLines) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const size_t begin = text.rfind('\n') + 1;  // npos + 1 = 0
    const auto line = text.substr(begin);
    if (!line.empty()) lines.push_back(line);
    text = text.substr(0, begin);
  }
  std::string out;
  for (const auto line : lines | std::views::reverse)
    out += base::printable(line, History::kMostLine) + "\n";
  return out;
}

std::string read_last_lines(const std::string& path) {
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat s{};
  if (!fd || ::fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return {};
  std::array<char, 4096> end;
  const off_t from = std::max<off_t>(0, s.st_size - static_cast<off_t>(end.size()));
  const ssize_t n = ::pread(fd.get(), end.data(), end.size(), from);
  return n <= 0 ? std::string() : last_lines({end.data(), static_cast<size_t>(n)});
}

}  // namespace emperor
