// Asgi: many requests at once in one asyncio event loop. The coroutines are asgi.py's,
// which is part of this shared object; here it is loaded and given what it works with.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "vassal/runtime.h"
#include "vassal/runtimes/python/ref.h"
#include "vassal/runtimes/python/scope.h"

namespace vassal::python {

class Asgi {
 public:
  /// Loads asgi.py, once, before the workers are forked. Why it cannot be, in one line.
  std::optional<std::string> load(const VassalConfig& config);
  /// In the worker: makes the event loop and begins the applications' lifespans.
  std::optional<std::string> start(std::span<const Ref> applications);
  void serve(Visits& visits);

 private:
  ScopeMaker scopes_;
  const VassalConfig* config_ = nullptr;
  PyTypeObject* visit_type_ = nullptr;
  PyTypeObject* visits_type_ = nullptr;
  Ref module_;
  Ref server_;
};

}  // namespace vassal::python
