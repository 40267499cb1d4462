// Short-lived children of the emperor that do one thing with a tenant's ids.
#pragma once

#include <map>

#include "base/process.h"
#include "base/uv/loop.h"
#include "vassal/clone.h"
#include "vassal/identity.h"

namespace emperor {

/// In the child: closes everything but `fd`. Nothing of ours stays open in a process that
/// a tenant may stop or slow down. 0 or an errno.
int close_all_but(int fd);
/// In the child: takes on the identity (null: stays who it is). 0 or an errno; system
/// calls only.
int become(const vassal::Identity* identity);

/// Waits until the child has ended by itself, kills it if that takes longer than
/// `patience`, and reaps it. False: it hangs in a file system of the tenant's, where
/// nothing ends it.
uvx::Task<bool> end_child(uvx::Loop& loop,
                          const base::Pidfd& child,
                          base::Duration patience = std::chrono::seconds(10));

/// Children that hang: nobody waits for them, and whoever has a few gets no more.
class Strays {
 public:
  void add(uid_t owner, base::Pidfd child) { all_.emplace(owner, std::move(child)); }
  /// Reaps those of the owner that ended meanwhile.
  bool too_many(uid_t owner);

 private:
  std::multimap<uid_t, base::Pidfd> all_;
};

}  // namespace emperor
