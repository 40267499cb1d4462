// DirSource: a directory ("/etc/vassals": every *.ini in it) or a glob
// ("/etc/vassals/*/*.ini"), watched with inotify(7).
//
// Every directory on the way is watched; one that does not exist yet through its nearest
// existing parent. Lost events, an overflow or a file system without inotify cost time
// (the rescan of the emperor), never truth. Hidden files are not vassals.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "emperor/source.h"

namespace emperor {

/// A source's text taken apart. Pure.
struct GlobPattern {
  std::string prefix;                   ///< the fixed directory below which names begin
  std::vector<std::string> components;  ///< one pattern per level; the last matches files

  /// Of a directory: what its files may end with. Empty for a glob.
  std::vector<std::string> suffixes = {};

  /// `is_directory`: the text names an existing directory (or nothing that exists).
  static GlobPattern parse(const std::string& text,
                           bool is_directory,
                           const std::vector<std::string>& extensions = {});
  /// Whether `name` in the innermost directory is a vassal's file.
  bool takes(const char* name) const;
  /// "alice/site" for "<prefix>/alice/site.ini"
  std::string name_of(const std::string& path) const;
};

/// How a source takes the files that it finds.
struct SourceRules {
  std::vector<std::string> extensions = {};  ///< in directories, beside ".ini"
  bool nofollow = false;  ///< identify links by themselves, not by what they point to
};

class DirSource final : public Source {
 public:
  static base::Result<std::unique_ptr<DirSource>> open(uvx::Loop& loop,
                                                       std::string text,
                                                       size_t index,
                                                       SourceRules rules = {});

  const std::string& text() const override { return text_; }
  std::vector<Listed> snapshot() override;
  /// Files that uWSGI would take and that are in another dialect, at the last snapshot.
  size_t strangers() const { return strangers_; }
  std::optional<Listed> look(const std::string& path) override;
  uvx::Task<base::Result<std::vector<Hint>>> changed() override;
  void close() override { poll_.close(); }

 private:
  DirSource(uvx::Loop& loop,
            std::string text,
            size_t index,
            SourceRules rules,
            base::Fd inotify);

  struct Watch {
    std::string directory;
    int level;  ///< index into components; -1: a parent of what does not exist yet
  };
  bool takes(size_t level, const char* name) const;
  void walk(const std::string& directory, size_t level, std::vector<Listed>* out);
  void watch(const std::string& directory, int level);
  enum class Prefix { came, missing };
  Prefix wait_for_prefix();
  Hint hint_of(int descriptor, uint32_t mask, const char* name);

  std::string text_;
  size_t index_;
  SourceRules rules_;
  GlobPattern pattern_;
  size_t strangers_ = 0;
  base::Fd inotify_;
  uvx::Poll poll_;
  std::unordered_map<int, Watch> watches_;
};

}  // namespace emperor
