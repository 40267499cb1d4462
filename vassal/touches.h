// Touches: the files whose change asks for something (`touch-reload` and its sisters).
//
// Watched by the vassal, so with the tenant's ids and in its directories. inotify only
// says that something may have changed; what the file looks like decides. Where inotify
// is not to be had, the files are looked at once a second.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "vassal/config.h"

namespace vassal {

struct Touch {
  enum class Wish {
    reload,      ///< a fresh generation
    workers,     ///< fresh workers, one after the other
    log_rotate,  ///< its log is to be put away
    log_reopen   ///< its log was put away by somebody else
  };
  Wish wish = Wish::reload;
  std::string path;
};

class Touches {
 public:
  /// Watches from now on; relative names start where the process stands.
  void open(const VassalConfig& config);
  /// Stops; for a worker that was forked.
  void close();

  /// Readable when look() may find something; -1 for none.
  int fd() const { return inotify_.get(); }
  /// When look() is due without inotify.
  std::optional<base::Instant> next() const { return look_at_; }
  /// The files that changed since the last look.
  std::vector<Touch> look(base::Instant now);

 private:
  struct Looks {
    bool there = false;
    int64_t mtime_ns = 0;
    ino_t inode = 0;
    friend bool operator==(const Looks&, const Looks&) = default;
  };
  struct File {
    Touch touch;
    Looks looks;
  };
  static Looks look_of(const std::string& path);
  void add(Touch::Wish wish, const std::vector<std::string>& paths);
  bool watch(const std::string& path);

  std::vector<File> files_;
  base::Fd inotify_;
  std::optional<base::Instant> look_at_;
};

}  // namespace vassal
