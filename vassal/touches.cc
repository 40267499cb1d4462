#include "vassal/touches.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace vassal {

namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr uint32_t kOfDirectory = IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM;
constexpr uint32_t kOfFile = IN_ATTRIB | IN_CLOSE_WRITE | IN_MODIFY;

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

void Touches::add(Touch::Wish wish, const std::vector<std::string>& paths) {
  for (const auto& path : paths)
    files_.push_back({{wish, path}, look_of(path)});
}

void Touches::open(const VassalConfig& config) {
  add(Touch::Wish::reload, config.touch_reload);
  add(Touch::Wish::workers, config.touch_workers_reload);
  add(Touch::Wish::log_rotate, config.touch_logrotate);
  add(Touch::Wish::log_reopen, config.touch_logreopen);
  if (files_.empty()) return;
  inotify_ = base::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  bool all = static_cast<bool>(inotify_);
  for (const File& file : files_)
    all = all && watch(file.touch.path);
  if (!all) look_at_ = base::Clock::now() + kLookEvery;
}

/// The directory tells that the file comes and goes, the file that it changes; a link is
/// followed there.
bool Touches::watch(const std::string& path) {
  const bool beside = ::inotify_add_watch(inotify_.get(), directory_of(path).c_str(),
                                          kOfDirectory | IN_MASK_ADD) >= 0;
  ::inotify_add_watch(inotify_.get(), path.c_str(), kOfFile | IN_MASK_ADD);
  return beside;
}

void Touches::close() {
  inotify_.reset();
  look_at_.reset();
  files_.clear();
}

Touches::Looks Touches::look_of(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {true, int64_t{s.st_mtim.tv_sec} * 1'000'000'000 + s.st_mtim.tv_nsec, s.st_ino};
}

std::vector<Touch> Touches::look(base::Instant now) {
  std::array<char, 4096> events;
  while (inotify_ && ::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  if (look_at_) look_at_ = now + kLookEvery;
  std::vector<Touch> touched;
  for (File& file : files_) {
    const Looks looks = look_of(file.touch.path);
    if (looks == file.looks) continue;
    if (inotify_ && looks.inode != file.looks.inode) (void)watch(file.touch.path);
    file.looks = looks;
    touched.push_back(file.touch);
  }
  return touched;
}

}  // namespace vassal
