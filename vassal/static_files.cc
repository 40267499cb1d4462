#include "vassal/static_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "vassal/request_mount.h"

namespace vassal {

namespace {

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {"avif", "image/avif"},       {"bmp", "image/bmp"},
    {"css", "text/css"},          {"csv", "text/csv"},
    {"gif", "image/gif"},         {"gz", "application/gzip"},
    {"htm", "text/html"},         {"html", "text/html"},
    {"ico", "image/x-icon"},      {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},        {"js", "text/javascript"},
    {"json", "application/json"}, {"map", "application/json"},
    {"md", "text/markdown"},      {"mjs", "text/javascript"},
    {"mp3", "audio/mpeg"},        {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},         {"ogv", "video/ogg"},
    {"otf", "font/otf"},          {"pdf", "application/pdf"},
    {"png", "image/png"},         {"svg", "image/svg+xml"},
    {"ttf", "font/ttf"},          {"txt", "text/plain"},
    {"wasm", "application/wasm"}, {"wav", "audio/wav"},
    {"webm", "video/webm"},       {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},       {"woff", "font/woff"},
    {"woff2", "font/woff2"},      {"xml", "application/xml"},
    {"zip", "application/zip"},
};

base::Fd open_beneath(const std::string& directory, std::string_view below) {
  const base::Fd root(::open(directory.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY));
  if (!root) return {};
  const std::string path(below);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return base::Fd(static_cast<int>(
      ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
}

std::optional<StaticFile> regular(base::Fd fd, std::string_view name) {
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return StaticFile{std::move(fd), info.st_size, info.st_mtime, media_type(name)};
}

}  // namespace

std::string_view media_type(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string extension(name.substr(dot + 1));
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  for (const auto& [known, type] : kTypes)
    if (known == extension) return type;
  return {};
}

std::optional<StaticFile> find_static(const Request& request,
                                      std::span<const StaticMap> maps) {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  if (request.path_info.find('\0') != std::string_view::npos) return std::nullopt;
  for (const StaticMap& map : maps) {
    if (!path_below(request.path_info, map.prefix)) continue;
    std::string_view below = request.path_info.substr(map.prefix.size());
    while (below.starts_with('/'))
      below.remove_prefix(1);
    if (below.empty()) {
      // The map may name a single file: `static-map = /robots.txt=/srv/robots.txt`.
      base::Fd fd(
          ::open(map.directory.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
      if (auto file = regular(std::move(fd), map.directory)) return file;
      continue;
    }
    if (auto file = regular(open_beneath(map.directory, below), below)) return file;
  }
  return std::nullopt;
}

std::string http_date(time_t when) {
  tm utc{};
  ::gmtime_r(&when, &utc);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

std::optional<time_t> parse_http_date(std::string_view text) {
  tm utc{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (end == nullptr) return std::nullopt;
  return ::timegm(&utc);
}

}  // namespace vassal
