// Short-lived children of the emperor that do one thing with a tenant's ids.
#pragma once

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

/// Waits until the child has ended by itself, kills it if that takes long, and reaps it.
uvx::Task<void> end_child(uvx::Loop& loop, const base::Pidfd& child);

}  // namespace emperor
