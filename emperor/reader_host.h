// ReaderHost: a small process that forks the readers of vassal files.
//
// Forking the emperor itself costs more the more vassals it has: a page table, ten
// thousand descriptors. This one is forked when the emperor starts and stays as small as
// it was then. It parses nothing and holds nothing but its socket; it ends when the
// emperor does.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "vassal/reader.h"

namespace emperor {

class ReaderHost {
 public:
  /// No host: every read() fails.
  ReaderHost() = default;
  /// Forks it; all its readers read with `options` (their links are the request's).
  static base::Result<ReaderHost> start(const vassal::ReadOptions& options);
  ReaderHost(ReaderHost&& other) noexcept;
  ReaderHost& operator=(ReaderHost&& other) noexcept;
  ReaderHost(const ReaderHost&) = delete;
  ReaderHost& operator=(const ReaderHost&) = delete;
  /// Lets it end, and collects it.
  ~ReaderHost();

  /// Has the files read by a child with these ids. What comes out of the result
  /// (non-blocking) is for a ReadResultStream; its end is the child's. Never waits.
  base::Result<base::Fd> read(const std::vector<std::string>& paths,
                              uid_t uid,
                              gid_t gid,
                              base::Links links) const;

 private:
  base::Fd socket_;
  pid_t pid_ = -1;
};

}  // namespace emperor
