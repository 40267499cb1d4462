// Source: where vassal files come from. The listing is the truth; hints only say where to
// look.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uv/task.h"
#include "emperor/reconcile.h"

namespace emperor {

/// Something may have happened to `path`; an empty path means anywhere in the source.
struct Hint {
  std::string path;
  /// The writer is done with it (closed after writing, renamed, removed); else wait a
  /// little.
  bool quiet = false;
};

class Source {
 public:
  virtual ~Source() = default;
  /// As the operator wrote it.
  virtual const std::string& text() const = 0;
  /// Every vassal file now, and from now on hints for each of them.
  virtual std::vector<Listed> snapshot() = 0;
  /// One file now; nothing if it is not there or not one of this source's.
  virtual std::optional<Listed> look(const std::string& path) = 0;
  /// Waits for hints. An error after close().
  virtual uvx::Task<base::Result<std::vector<Hint>>> changed() = 0;
  virtual void close() = 0;
};

}  // namespace emperor
