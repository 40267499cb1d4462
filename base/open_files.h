// OpenFiles: a FileSource on the disk, safe against what a hostile owner may put in the
// way.
//
// Opens with O_NOFOLLOW and O_NONBLOCK, looks at the descriptor rather than the path,
// takes regular files only, and keeps a FileFact of each file it opened, so that whoever
// reads as root can judge afterwards who could have written them. Permissions are those
// of the process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/file_source.h"

namespace base {

/// What fstat said about a file that was read.
struct FileFact {
  std::string path;
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;  ///< permission bits
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  /// The first directory above it that somebody besides root may change; empty if there
  /// is none.
  std::string loose_directory = {};
  friend bool operator==(const FileFact&, const FileFact&) = default;
};

/// The topmost directory above `path`, along the name as given and along what links make
/// of it, that somebody besides root and `self` may change; empty if there is none. In a
/// sticky one (/tmp) nobody can replace what is root's.
std::string loose_directory(const std::string& path, uid_t self);

/// Why somebody besides root could have written the file; empty if nobody could.
std::string untrusted_because(const FileFact& fact);

enum class Links { refuse, follow };

class OpenFiles final : public FileSource {
 public:
  /// `first`: whether the first file read may be a symbolic link (to a file that its
  /// owner may put there). Later ones may not.
  explicit OpenFiles(std::string cwd, Links first = Links::refuse, size_t max_opens = 256)
      : cwd_(std::move(cwd)), links_(first), opens_left_(max_opens) {}

  Result<SourceFile> read(const std::string& path, size_t limit) override;
  Kind kind(const std::string& path) override;
  std::vector<std::string> glob(const std::string& pattern, size_t limit) override;

  /// Of every file that could be opened, in order.
  const std::vector<FileFact>& facts() const { return facts_; }

 private:
  std::string absolute(const std::string& path) const;

  std::string cwd_;
  Links links_;
  size_t opens_left_;
  std::vector<FileFact> facts_;
};

}  // namespace base
