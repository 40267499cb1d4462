#include "router/error_page_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/files.h"
#include "base/wire/host_name.h"

namespace router {

namespace {

using namespace std::chrono_literals;

constexpr base::Duration kListEvery = 60s;
constexpr base::Duration kQuiet = 100ms;  // for who writes several files
constexpr size_t kMostDomains = 10'000;
constexpr size_t kDirectoriesAtOnce = 32;
constexpr uint32_t kHints = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                            IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR;

/// Names in a directory, sorted so that bounds cut at the same place each time.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::ranges::sort(names);
  return names;
}

base::Result<std::string> read_page(const std::string& path, size_t most) {
  const base::Fd file(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return base::fail_errno("open");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return base::fail("not a plain file");
  return base::read_fd(file.get(), most);
}

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

ErrorPageFiles::ErrorPageFiles(uvx::Loop& loop, base::Log& log, std::string directory)
    : loop_(loop),
      log_(log),
      directory_(std::move(directory)),
      hints_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      quiet_(loop) {
  if (hints_)
    poll_ = std::make_unique<uvx::Poll>(loop, hints_.get());
  else
    log_.warn("error pages: changes are seen once a minute only");
}

uvx::Task<void> ErrorPageFiles::run() {
  while (!closed_) {
    co_await list();
    co_await wait_for_hint();
  }
}

void ErrorPageFiles::close() {
  closed_ = true;
  if (poll_) poll_->close();
  quiet_.cancel();
}

uvx::Task<void> ErrorPageFiles::wait_for_hint() {
  if (closed_) co_return;
  const auto deadline = base::Deadline::in(kListEvery);
  if (!poll_) {
    static_cast<void>(co_await quiet_.sleep_until(deadline));
  } else if (co_await poll_->readable(deadline)) {
    static_cast<void>(co_await quiet_.sleep_until(base::Deadline::in(kQuiet)));
    swallow_hints();
  }
}

void ErrorPageFiles::swallow_hints() {
  std::array<char, 4096> buffer;
  while (::read(hints_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

void ErrorPageFiles::watch(const std::string& path) {
  if (hints_) static_cast<void>(::inotify_add_watch(hints_.get(), path.c_str(), kHints));
}

uvx::Task<void> ErrorPageFiles::list() {
  auto pages = std::make_unique<ErrorPages>();
  read_directory(directory_, "", pages.get());
  size_t domains = 0;
  for (const std::string& name : names_in(directory_)) {
    const auto domain = wire::normalise_domain(name);
    const std::string path = directory_ + '/' + name;
    if (!domain || status_of_page(name) != 0 || !is_directory(path)) continue;
    if (++domains > kMostDomains) {
      log_.error("error pages: more than {} domains", kMostDomains);
      break;
    }
    read_directory(path, *domain, pages.get());
    // Who asks meanwhile gets the pages of before; the first listing holds up everything.
    if (listed_ && domains % kDirectoriesAtOnce == 0) co_await loop_.yield();
  }
  if (!listed_ || pages->size() != pages_->size())
    log_.info("error pages: read pages={} directory={}", pages->size(), directory_);
  pages_ = std::move(pages);
  listed_ = true;
}

void ErrorPageFiles::read_directory(const std::string& path,
                                    std::string_view domain,
                                    ErrorPages* pages) {
  watch(path);  // before it is listed, so that no change falls between
  for (const std::string& name : names_in(path)) {
    const int status = status_of_page(name);
    if (status == 0) continue;
    auto page = read_page(path + '/' + name, ErrorPageBounds{}.page_bytes);
    if (!page)
      log_.error("error pages: not read file=\"{}\" reason=\"{}\"",
                 base::printable(path + '/' + name), page.error().message());
    else if (!pages->add(domain, status, *std::move(page)))
      log_.error("error pages: no room file=\"{}\"", base::printable(path + '/' + name));
  }
}

}  // namespace router
