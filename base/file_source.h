// FileSource: where the ini dialect gets its files from: the disk under the rules of
// open_files, or memory in tests. Expansion itself never opens anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace base {

struct SourceFile {
  std::string text;
  std::string path;  ///< absolute, directories resolved: what %p and %d speak of
  uint64_t inode = 0;
};

class FileSource {
 public:
  enum class Kind { missing, file, directory, other };

  virtual ~FileSource() = default;
  /// The content of a regular file. EFBIG if it has more than `limit` bytes.
  virtual Result<SourceFile> read(const std::string& path, size_t limit) = 0;
  /// What stands at the path as far as this reader may see it; links are followed.
  virtual Kind kind(const std::string& path) = 0;
  /// glob(3) with a '/' behind directories; the pattern itself if nothing matches.
  virtual std::vector<std::string> glob(const std::string& pattern, size_t limit) = 0;
};

}  // namespace base
