// `check` and `explain FILE`: what emperorctl does itself, without an emperor, with its
// own rights.
#pragma once

#include <string>
#include <vector>

namespace emperor::ctl {

struct FileOptions {
  std::string defaults;
  std::string policy;
  std::string domains = "any";  ///< the emperor's option
  std::string domains_list;     ///< the same
  bool json = false;
  bool notes = false;
};

/// Prints every fault of every file; 0 if all can be served, 1 if one cannot.
int check_files(const std::vector<std::string>& files, const FileOptions& options);
/// Prints every effective value of one file with its origin.
int explain_file(const std::string& file, const FileOptions& options);

/// The text of an answer to `explain NAME`, given as JSON.
std::string explained_text(const std::string& text);

}  // namespace emperor::ctl
