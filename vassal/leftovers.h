// What a tenant's program leaves behind when it ends.
#pragma once

namespace vassal {

/// Kills and reaps every child of this process until there is none: the orphans of its
/// children are its own, since it is their subreaper. Waits for each.
void end_leftovers();

}  // namespace vassal
