// Clone: fork(2) with what the emperor needs: a pidfd, another parent, a cgroup, and no
// signal in between.
#pragma once

#include "base/process.h"
#include "base/result.h"

namespace vassal {

/// Who becomes the parent of the new process and reaps it.
enum class Parent {
  us,
  ours,  ///< our own parent (CLONE_PARENT): the keeper
};

/// What the child runs; it must not return and may only make system calls. All signals
/// are blocked.
using ChildFunction = void (*)(void* argument);

/// clone3(2). `v2_directory`, if not -1, is the cgroup v2 directory that the child is
/// born in. The parent's signal mask is as before when this returns.
base::Result<base::Pidfd> clone_child(Parent parent,
                                      int v2_directory,
                                      ChildFunction run,
                                      void* argument);

namespace raw {
/// Every disposition back to default, the mask emptied. Returns 0 or an errno. For the
/// child.
int reset_signals();
}  // namespace raw

}  // namespace vassal
