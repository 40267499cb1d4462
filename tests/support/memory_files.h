// MemoryFiles: a FileSource that lives in a map, with a journal of what was read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/file_source.h"

namespace support {

class MemoryFiles final : public base::FileSource {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files = {})
      : files_(std::move(files)) {}

  void put(const std::string& path, std::string text) { files_[path] = std::move(text); }
  void make_directory(const std::string& path) { directories_.push_back(path); }
  const std::vector<std::string>& journal() const { return journal_; }

  base::Result<base::SourceFile> read(const std::string& path, size_t limit) override {
    journal_.push_back(path);
    const auto it = files_.find(absolute(path));
    if (it == files_.end()) return base::fail(ENOENT, "open");
    if (it->second.size() > limit) return base::fail(EFBIG, "it is too large");
    return base::SourceFile{it->second, it->first, 42};
  }
  Kind kind(const std::string& path) override {
    if (files_.count(absolute(path)) > 0) return Kind::file;
    for (const auto& d : directories_)
      if (d == path) return Kind::directory;
    return Kind::missing;
  }
  std::vector<std::string> glob(const std::string& pattern, size_t limit) override {
    const std::string prefix = pattern.substr(0, pattern.find('*'));
    std::vector<std::string> out;
    for (const auto& [path, text] : files_)
      if (path.starts_with(prefix) && out.size() < limit) out.push_back(path);
    if (out.empty()) out.push_back(pattern);
    return out;
  }

 private:
  static std::string absolute(const std::string& path) {
    return path.starts_with('/') ? path : "/v/" + path;
  }

  std::map<std::string, std::string> files_;
  std::vector<std::string> directories_;
  std::vector<std::string> journal_;
};

}  // namespace support
