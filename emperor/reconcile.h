// Reconcile: what a listing of the sources means for what is known.
//
// Pure. One file at a time when the source names it; the full pass runs only on a rescan.
// A file is read again when its identity (device, inode, size, mtime and ctime in
// nanoseconds) changed; whether anything happens is decided by the hash of what was read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace emperor {

/// Which content a path had, without reading it.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// One vassal file as a source lists it.
struct Listed {
  std::string path;
  std::string name;   ///< below the source's fixed prefix, without ".ini"
  size_t source = 0;  ///< index of the source
  FileIdentity identity;
};

/// What is known of a file: the identity it had when it was last read (or asked to be).
struct Known {
  std::string name;  ///< as Listed::name
  size_t source = 0;
  FileIdentity identity;
  uid_t reader = 0;  ///< with whose rights it is read
  gid_t reader_gid = 0;
};
using KnownFiles = std::unordered_map<std::string, Known>;  // by path

struct Change {
  enum class Kind { read, removed };
  Kind kind;
  std::string path;
  friend bool operator==(const Change&, const Change&) = default;
};

/// The file at `path` is now `listed` (nothing: it is gone). Nothing to do = nothing.
std::optional<Change> reconcile_one(const std::string& path,
                                    const std::optional<Listed>& listed,
                                    const KnownFiles& known);
/// The full pass over the whole listing of one source, removals first.
std::vector<Change> reconcile(const std::vector<Listed>& listing,
                              size_t source,
                              const KnownFiles& known);

/// The name a new vassal gets: its own if it is free, else with the directory of its file
/// in front, else with a number behind.
template <class Taken>
std::string unique_name(const Listed& file, const Taken& taken) {
  if (!taken(file.name)) return file.name;
  const auto slash = file.path.find_last_of('/');
  const auto before = slash == std::string::npos || slash == 0
                          ? std::string::npos
                          : file.path.find_last_of('/', slash - 1);
  std::string name = file.name;
  if (before != std::string::npos)
    name = file.path.substr(before + 1, slash - before) + file.name;
  for (int n = 2; taken(name); ++n)
    name = file.name + "~" + std::to_string(n);
  return name;
}

}  // namespace emperor
