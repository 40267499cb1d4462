// Loading applications: `wsgi-file`, `module`, `callable`, `mount`, `interface`.
#pragma once

#include <string>
#include <vector>

#include "vassal/config.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

struct Loaded {
  std::vector<Ref> applications;  ///< the default one first, then the mounts in order
  bool asgi = false;              ///< all of them; WSGI otherwise
  std::string reason;             ///< why it failed, one line; empty if all are loaded
};

/// Loads everything the configuration names, stopping at the first failure, whose
/// traceback is printed to standard error.
Loaded load_applications(const VassalConfig& config);

}  // namespace vassal::python
