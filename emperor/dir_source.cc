#include "emperor/dir_source.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace emperor {

namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                             IN_CREATE | IN_ATTRIB | IN_MODIFY | IN_DELETE_SELF |
                             IN_MOVE_SELF | IN_ONLYDIR;
constexpr uint32_t kParentEvents =
    IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr uint32_t kQuiet = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

bool matches(const std::string& pattern, const char* name) {
  return ::fnmatch(pattern.c_str(), name, FNM_PERIOD) == 0;
}

/// What uWSGI's emperor would take, and nobody here can read.
bool is_stranger(std::string_view name) {
  if (name.starts_with('.')) return false;
  constexpr std::array kSuffixes = {".xml", ".yml", ".yaml", ".js", ".json"};
  return std::ranges::any_of(kSuffixes,
                             [&](const char* suffix) { return name.ends_with(suffix); });
}

int64_t nanoseconds(const timespec& t) {
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

std::optional<FileIdentity> identify(const std::string& path, bool nofollow) {
  struct stat s{};
  // What cannot be read is still listed: it is a vassal with a fault, not a missing one.
  if ((nofollow || ::stat(path.c_str(), &s) != 0) && ::lstat(path.c_str(), &s) != 0)
    return std::nullopt;
  if (S_ISDIR(s.st_mode)) return std::nullopt;
  return FileIdentity{s.st_dev, s.st_ino, s.st_size, nanoseconds(s.st_mtim),
                      nanoseconds(s.st_ctim)};
}

}  // namespace

GlobPattern GlobPattern::parse(const std::string& text,
                               bool is_directory,
                               const std::vector<std::string>& extensions) {
  const auto path = std::filesystem::absolute(text).lexically_normal();
  std::vector<std::string> parts;
  for (const auto& part : path)
    if (!part.empty() && part != "/") parts.push_back(part);
  if (is_directory || parts.empty()) parts.emplace_back("*");
  GlobPattern pattern;
  if (parts.back() == "*" && (is_directory || parts.size() == 1)) {
    pattern.suffixes = {".ini"};
    pattern.suffixes.insert(pattern.suffixes.end(), extensions.begin(), extensions.end());
  }
  size_t fixed = 0;
  while (fixed + 1 < parts.size() && !has_wildcard(parts[fixed]))
    pattern.prefix += "/" + parts[fixed++];
  if (pattern.prefix.empty()) pattern.prefix = "/";
  pattern.components.assign(parts.begin() + static_cast<long>(fixed), parts.end());
  return pattern;
}

std::string GlobPattern::name_of(const std::string& path) const {
  std::string name = path;
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  name.erase(0, std::min(name.find_first_not_of('/'), name.size()));
  const auto& all = suffixes.empty() ? std::vector<std::string>{".ini"} : suffixes;
  for (const auto& suffix : all)
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

bool GlobPattern::takes(const char* name) const {
  if (!matches(components.back(), name)) return false;
  const auto ends = [&](const std::string& suffix) {
    return std::string_view(name).ends_with(suffix);
  };
  return suffixes.empty() || std::ranges::any_of(suffixes, ends);
}

base::Result<std::unique_ptr<DirSource>> DirSource::open(uvx::Loop& loop,
                                                         std::string text,
                                                         size_t index,
                                                         SourceRules rules) {
  base::Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return base::fail_errno("inotify_init1");
  return std::unique_ptr<DirSource>(
      new DirSource(loop, std::move(text), index, std::move(rules), std::move(inotify)));
}

DirSource::DirSource(
    uvx::Loop& loop, std::string text, size_t index, SourceRules rules, base::Fd inotify)
    : text_(std::move(text)),
      index_(index),
      rules_(std::move(rules)),
      inotify_(std::move(inotify)),
      poll_(loop, inotify_.get()) {
  struct stat s{};
  const bool exists = ::stat(text_.c_str(), &s) == 0;
  const bool is_directory =
      exists ? S_ISDIR(s.st_mode) : !has_wildcard(text_) && !text_.ends_with(".ini");
  pattern_ = GlobPattern::parse(text_, is_directory, rules_.extensions);
}

std::vector<Listed> DirSource::snapshot() {
  std::vector<Listed> listing;
  strangers_ = 0;
  watches_.clear();  // inotify hands out the same numbers again for directories it
                     // already watches
  walk(pattern_.prefix, 0, &listing);
  std::ranges::sort(listing, {}, &Listed::path);
  return listing;
}

void DirSource::walk(const std::string& directory,
                     size_t level,
                     std::vector<Listed>* out) {
  watch(directory,
        static_cast<int>(level));  // before the listing, so that nothing falls between
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr && level == 0 && wait_for_prefix() == Prefix::came) {
    watch(directory, 0);
    dir = ::opendir(directory.c_str());
  }
  if (dir == nullptr) return;
  const bool last = level + 1 == pattern_.components.size();
  const std::string base = directory == "/" ? "" : directory;
  while (const dirent* entry = ::readdir(dir)) {
    if (!takes(level, entry->d_name)) {
      if (last && !pattern_.suffixes.empty()) strangers_ += is_stranger(entry->d_name);
      continue;
    }
    const std::string path = base + "/" + entry->d_name;
    if (last) {
      if (const auto identity = identify(path, rules_.nofollow))
        out->push_back({path, pattern_.name_of(path), index_, *identity});
    } else if (std::error_code error; std::filesystem::is_directory(path, error)) {
      walk(path, level + 1, out);
    }
  }
  ::closedir(dir);
}

bool DirSource::takes(size_t level, const char* name) const {
  if (level + 1 == pattern_.components.size()) return pattern_.takes(name);
  return matches(pattern_.components[level], name);
}

void DirSource::watch(const std::string& directory, int level) {
  const uint32_t events = level < 0 ? kParentEvents : kEvents;
  const int wd = ::inotify_add_watch(inotify_.get(), directory.c_str(), events);
  if (wd >= 0) watches_[wd] = {directory, level};
}

/// Watches the nearest parent that exists, until a look after the watch finds no nearer
/// one: what was made between a look and its watch is told by nobody.
DirSource::Prefix DirSource::wait_for_prefix() {
  std::filesystem::path watched;
  for (;;) {
    std::filesystem::path nearest = pattern_.prefix;
    std::error_code error;
    while (nearest.has_relative_path() && !std::filesystem::is_directory(nearest, error))
      nearest = nearest.parent_path();
    if (nearest == pattern_.prefix) return Prefix::came;
    if (nearest == watched) return Prefix::missing;
    watch(nearest, -1);
    watched = nearest;
  }
}

std::optional<Listed> DirSource::look(const std::string& path) {
  const auto identity = identify(path, rules_.nofollow);
  if (!identity) return std::nullopt;
  return Listed{path, pattern_.name_of(path), index_, *identity};
}

uvx::Task<base::Result<std::vector<Hint>>> DirSource::changed() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      co_return base::fail_errno("read inotify");
    std::vector<Hint> hints;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      Hint hint = hint_of(event->wd, event->mask, event->len > 0 ? event->name : "");
      if (hint.path != "-") hints.push_back(std::move(hint));
    }
    if (!hints.empty()) co_return hints;
    if (n > 0) continue;
    if (auto ready = co_await poll_.readable(); !ready)
      co_return std::unexpected(ready.error());
  }
}

/// What an event is worth; the path "-" means nothing at all.
Hint DirSource::hint_of(int descriptor, uint32_t mask, const char* name) {
  static const Hint nothing{"-"};
  if ((mask & IN_Q_OVERFLOW) != 0) return {};
  const auto found = watches_.find(descriptor);
  if (found == watches_.end()) return nothing;
  const Watch& watch = found->second;
  if ((mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) return {};
  if (watch.level < 0) {
    const auto rest =
        std::filesystem::path(pattern_.prefix).lexically_relative(watch.directory);
    return !rest.empty() && *rest.begin() == name ? Hint{} : nothing;
  }
  if (*name == '\0')
    return {};  // the directory's own owner or mode: trust may differ now
  if (!takes(static_cast<size_t>(watch.level), name)) return nothing;
  const bool last = static_cast<size_t>(watch.level) + 1 == pattern_.components.size();
  if (!last) return (mask & IN_ISDIR) != 0 || (mask & kQuiet) != 0 ? Hint{} : nothing;
  const std::string base = watch.directory == "/" ? "" : watch.directory;
  return {base + "/" + name, (mask & kQuiet) != 0};
}

}  // namespace emperor
