#include "base/uv/certificate_watch.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace uvx {

namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                             IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
/// Who writes a certificate and its key writes two files: both are waited for, but not
/// for ever.
constexpr base::Duration kQuiet = std::chrono::milliseconds(100);
constexpr base::Duration kLongest = std::chrono::seconds(2);
constexpr base::Duration kUnasked = std::chrono::seconds(60);

}  // namespace

base::Result<std::unique_ptr<CertificateWatch>> CertificateWatch::open(
    Loop& loop, std::string directory) {
  base::Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return base::fail_errno("inotify_init1");
  return std::unique_ptr<CertificateWatch>(
      new CertificateWatch(loop, std::move(inotify), std::move(directory)));
}

CertificateWatch::CertificateWatch(Loop& loop, base::Fd inotify, std::string directory)
    : inotify_(std::move(inotify)),
      poll_(loop, inotify_.get()),
      directory_(std::move(directory)) {}

void CertificateWatch::watch() {
  const std::string& top = directory_.path();
  if (::inotify_add_watch(inotify_.get(), top.c_str(), kEvents) < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(top.c_str()), ::closedir);
  if (!listing) return;
  size_t watches = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (entry->d_name[0] == '.' || entry->d_type == DT_REG) continue;
    if (++watches > base::CertificateDirectory::kMaxPairs) return;
    ::inotify_add_watch(inotify_.get(), (top + '/' + entry->d_name).c_str(),
                        kEvents | IN_ONLYDIR);
  }
}

bool CertificateWatch::take_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool any = false;
  while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0)
    any = true;
  return any;
}

base::Result<std::optional<base::CertificateFiles>> CertificateWatch::look() {
  watch();  // before the listing, so that nothing falls between
  return directory_.read_if_changed();
}

Task<base::Result<>> CertificateWatch::wait(base::Deadline deadline) {
  while (!take_events())
    if (auto ready = co_await poll_.readable(deadline); !ready) co_return ready;
  const auto longest = base::Clock::now() + kLongest;
  while (base::Clock::now() < longest) {
    auto more = co_await poll_.readable(base::Deadline::in(kQuiet));
    if (!more) co_return more;
    take_events();
  }
  co_return base::Result<>{};
}

Task<base::Result<base::CertificateFiles>> CertificateWatch::changed(
    base::Deadline latest) {
  for (;;) {
    const auto soon = base::Clock::now() + kUnasked;
    const auto waited = co_await wait(base::Deadline(std::min(soon, latest.at())));
    if (!waited && !waited.error().is(std::errc::timed_out))
      co_return std::unexpected(waited.error());
    if (latest.passed()) {
      directory_.forget();
      latest = {};
    }
    auto seen = look();
    if (seen) {
      last_error_.clear();
      if (auto files = *std::move(seen)) co_return *std::move(files);
      continue;
    }
    const std::string error = seen.error().message();
    if (std::exchange(last_error_, error) != error)
      co_return std::unexpected(seen.error());
  }
}

}  // namespace uvx
