#include "base/open_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/fd.h"
#include "base/files.h"

namespace base {

namespace {

bool others_may_write(const struct stat& s, uid_t self) {
  const bool others = s.st_uid != 0 && s.st_uid != self;
  // A sticky directory (/tmp) lets strangers add files, but not replace root's.
  if (S_ISDIR(s.st_mode) && (s.st_mode & S_ISVTX) != 0) return others;
  return others || (s.st_mode & 022) != 0;
}

std::string find_loose_directory(const std::filesystem::path& file, uid_t self = 0) {
  std::string loose;
  for (auto dir = file.parent_path(); !dir.empty(); dir = dir.parent_path()) {
    struct stat s{};
    if (::stat(dir.c_str(), &s) != 0 || others_may_write(s, self)) loose = dir.string();
    if (dir == dir.root_path()) break;
  }
  return loose;
}

// realpath(3) of the directory, so that a link as last component keeps its own name (as
// uWSGI).
std::string resolved(const std::string& absolute) {
  const auto slash = absolute.rfind('/');
  const std::string directory = slash == 0 ? "/" : absolute.substr(0, slash);
  const std::unique_ptr<char, decltype(&std::free)> real(
      ::realpath(directory.c_str(), nullptr), &std::free);
  if (real == nullptr) return absolute;
  const std::string found = real.get();
  return (found == "/" ? "" : found) + absolute.substr(slash);
}

/// What the kernel calls the open file; empty if it has no name.
std::string path_behind(int fd) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error)
      .string();
}

FileFact fact_of(const std::string& path, const struct stat& s) {
  FileFact fact;
  fact.path = path;
  fact.uid = s.st_uid;
  fact.gid = s.st_gid;
  fact.mode = s.st_mode & 07777;
  fact.inode = s.st_ino;
  fact.size = static_cast<uint64_t>(s.st_size);
  fact.mtime_ns = s.st_mtim.tv_sec * int64_t{1'000'000'000} + s.st_mtim.tv_nsec;
  fact.loose_directory = find_loose_directory(path);
  return fact;
}

}  // namespace

std::string loose_directory(const std::string& path, uid_t self) {
  if (auto loose = find_loose_directory(path, self); !loose.empty()) return loose;
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? std::string() : find_loose_directory(real, self);
}

std::string untrusted_because(const FileFact& fact) {
  if (fact.uid != 0)
    return "it belongs to uid " + std::to_string(fact.uid) + ", not to root";
  if ((fact.mode & 022) != 0) return "others than root may write it";
  if (!fact.loose_directory.empty())
    return "others than root may write its directory " + fact.loose_directory;
  return {};
}

std::string OpenFiles::absolute(const std::string& path) const {
  return path.starts_with('/') ? path : cwd_ + "/" + path;
}

Result<SourceFile> OpenFiles::read(const std::string& path, size_t limit) {
  if (opens_left_ == 0) return fail("too many files are opened for one vassal");
  --opens_left_;
  const std::string full = resolved(absolute(path));
  const int follow =
      std::exchange(links_, Links::refuse) == Links::follow ? 0 : O_NOFOLLOW;
  const Fd fd(
      ::open(full.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow));
  if (!fd && errno == ELOOP) return fail("it is a symbolic link");
  if (!fd) return fail(errno, "open");
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0) return fail_errno("stat");
  if (!S_ISREG(s.st_mode)) return fail("it is not a regular file");
  facts_.push_back(fact_of(full, s));
  // behind a link stands a directory of its own
  if (follow == 0 && facts_.back().loose_directory.empty())
    facts_.back().loose_directory = find_loose_directory(path_behind(fd.get()));
  if (std::cmp_greater(s.st_size, limit))
    return fail(EFBIG, "it has more than " + std::to_string(limit) + " bytes");
  auto text = read_fd(fd.get(), limit);
  if (!text && text.error().is(std::errc::file_too_large))
    return fail(EFBIG, "it has more than " + std::to_string(limit) + " bytes");
  if (!text) return std::unexpected(std::move(text).error());
  return SourceFile{*std::move(text), full, s.st_ino};
}

FileSource::Kind OpenFiles::kind(const std::string& path) {
  const std::string full = absolute(path);
  struct stat s{};
  if (::access(full.c_str(), R_OK) != 0 || ::stat(full.c_str(), &s) != 0)
    return Kind::missing;
  if (S_ISREG(s.st_mode)) return Kind::file;
  return S_ISDIR(s.st_mode) ? Kind::directory : Kind::other;
}

std::vector<std::string> OpenFiles::glob(const std::string& pattern, size_t limit) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(absolute(pattern).c_str(), GLOB_MARK | GLOB_NOCHECK, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc && i < limit; ++i)
      out.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return out;
}

}  // namespace base
